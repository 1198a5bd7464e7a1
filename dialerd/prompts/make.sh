#!/bin/sh
# Makes the sample prompts with espeak-ng (Debian: apt-get install espeak-ng), then levels them with
# dialerd itself. From the project's folder: PYTHON=.venv/bin/python sh dialerd/prompts/make.sh
set -eu
here=$(dirname "$0")
raw=$(mktemp --suffix=.wav)
trap 'rm -f "$raw"' EXIT
say() { # folder voice words-a-minute name text
    espeak-ng -v "$2" -s "$3" -w "$raw" "$5"
    "${PYTHON:-python3}" -c 'import sys; from dialerd.shell.prompt_import import convert; convert(*sys.argv[1:])' \
        "$raw" "$here/$1/$4.wav"
}
say vi vi 175 welcome "Xin chào. Bấm một để xác nhận, bấm hai để từ chối."
say vi vi 165 thanks "Cảm ơn bạn đã xác nhận. Chúc bạn một ngày tốt lành."
say vi vi 165 goodbye "Cảm ơn bạn đã nghe máy. Xin chào tạm biệt."
say en en-gb 165 welcome "Hello. Press one to confirm, or two to decline."
say en en-gb 160 thanks "Thank you for confirming. Have a nice day."
say en en-gb 160 goodbye "Thank you for taking the call. Goodbye."
