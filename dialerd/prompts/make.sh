#!/bin/sh
# Makes the sample prompts, the word prompts and the music with espeak-ng (Debian: apt-get install
# espeak-ng) and dialerd itself. From the project's folder: PYTHON=.venv/bin/python sh dialerd/prompts/make.sh
set -eu
here=$(dirname "$0")
raw=$(mktemp --suffix=.wav)
trap 'rm -f "$raw"' EXIT
python() { "${PYTHON:-python3}" "$@"; }
say() { # folder voice words-a-minute name text seconds-of-silence-kept
    espeak-ng -v "$2" -s "$3" -w "$raw" "$5"
    python -c 'import sys; from dialerd.shell.prompt_import import convert; convert(*sys.argv[1:3], float(sys.argv[3]))' \
        "$raw" "$here/$1/$4.wav" "${6:-0.1}"
}
say vi vi 175 welcome "Xin chào. Bấm một để xác nhận, bấm hai để từ chối."
say vi vi 165 thanks "Cảm ơn bạn đã xác nhận. Chúc bạn một ngày tốt lành."
say vi vi 165 goodbye "Cảm ơn bạn đã nghe máy. Xin chào tạm biệt."
say en en-gb 165 welcome "Hello. Press one to confirm, or two to decline."
say en en-gb 160 thanks "Thank you for confirming. Have a nice day."
say en en-gb 160 goodbye "Thank you for taking the call. Goodbye."

mkdir -p "$here/vi/words" "$here/en/words" "$here/music"
python -c '
from dialerd.core import spoken_en, spoken_vi
for language, voice, words in (("vi", "vi", spoken_vi.WORDS), ("en", "en-gb", spoken_en.WORDS)):
    for name, text in words.items():
        print(language, voice, name, text, sep="|")
' | while IFS='|' read -r language voice name text; do
    say "$language/words" "$voice" 170 "$name" "$text" 0.015
done

python - "$here" <<'MUSIC'
"""Music on hold: four broken chords over 16 s, whose end rings into its beginning. And pauses, and a beep."""
import sys
from pathlib import Path

import numpy as np

from dialerd.shell.prompts import encoded
from dialerd.shell.wav import ulaw_wav

RATE, BEAT_S, LEVEL = 8_000, 0.5, 0.11
CHORDS = (
    (196.00, 246.94, 293.66, 392.00), (164.81, 246.94, 329.63, 392.00),
    (174.61, 261.63, 349.23, 440.00), (146.83, 220.00, 369.99, 440.00),
)
ORDER = (0, 2, 1, 3, 2, 3, 1, 2)
out = np.zeros(round(RATE * BEAT_S * 8 * len(CHORDS)))
t = np.arange(round(RATE * 3.0)) / RATE
for i, hz in enumerate(chord[n] for chord in CHORDS for n in ORDER):
    note = sum(np.sin(2 * np.pi * hz * k * t) * np.exp(-t * (1.5 + k)) / k**1.5 for k in (1, 2, 3, 4))
    note *= np.minimum(1.0, t / 0.01) * (1 - t / t[-1])
    np.add.at(out, (round(i * BEAT_S * RATE) + np.arange(len(t))) % len(out), note)
out *= LEVEL / np.sqrt((out**2).mean())
here = Path(sys.argv[1])
beep = 0.25 * np.sin(2 * np.pi * 1000 * np.arange(2000) / RATE)  # 0.25 s, ends on a zero
for name, sound in (("music/hold", out), ("music/beep", beep), ("vi/words/pause", out[:1600] * 0), ("en/words/pause", out[:1600] * 0)):
    (here / f"{name}.wav").write_bytes(ulaw_wav(encoded(np.rint(sound * 32767).astype(np.int16)).pcmu))
MUSIC
