"""What people and machines say when they answer, for a synthesiser to speak; by language.

`word`: one word, `office`: a greeting of 1 to 3 s, `machine`: a greeting of 3 s and more,
`announcement`: what a network says. Train and held-out languages share nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Speech(NamedTuple):
    """The texts of one language."""

    word: tuple[str, ...]
    office: tuple[str, ...]
    machine: tuple[str, ...]
    announcement: tuple[str, ...]


TRAIN: Final[dict[str, Speech]] = {
    "en-us": Speech(
        ("hello", "yes", "hi", "speaking", "yeah", "hello?", "who is it", "good morning", "hey"),
        (
            "hello, this is John",
            "good morning, Miller and Sons",
            "Acme support, Anna speaking",
            "front desk, how can I help you",
            "yes, hello, who is calling please",
            "Johnson residence",
            "sales department, good afternoon",
            "this is Mary speaking",
        ),
        (
            "hi, you have reached the voice mail of Peter Smith. Please leave a message after the "
            "tone and I will call you back as soon as I can.",
            "the person you are trying to reach is not available. At the tone, please record your "
            "message. When you have finished, hang up or press one for more options.",
            "hello. You have reached Miller and Sons. Our offices are closed at the moment. Please "
            "call again on weekdays between nine and five.",
            "thank you for calling Acme. Your call is important to us. For sales, press one. For "
            "support, press two.",
            "hey, this is Mary, I can't come to the phone right now, leave me a message, bye",
            "your call has been forwarded to an automatic voice message system.",
        ),
        (
            "the number you have dialed is not in service. Please check the number and dial again.",
            "we're sorry. All circuits are busy now. Please try your call again later.",
            "the subscriber you have called is switched off. Please try again later.",
        ),
    ),
    "es": Speech(
        ("hola", "diga", "sí", "bueno", "aló", "quién es", "dígame"),
        (
            "buenos días, talleres García",
            "hola, le habla María",
            "recepción, dígame",
            "oficina de ventas, buenas tardes",
            "sí, dígame, con quién hablo",
        ),
        (
            "hola, soy Pedro, ahora no puedo atenderte. Deja tu mensaje después de la señal y te "
            "llamaré en cuanto pueda.",
            "ha llamado al buzón de voz. Por favor deje su mensaje después de oír la señal.",
            "bienvenido a talleres García. Nuestro horario es de nueve a cinco. Para ventas, marque"
            " uno.",
        ),
        (
            "el número que usted ha marcado no existe. Por favor, verifíquelo y vuelva a llamar.",
            "el teléfono al que llama está apagado o fuera de cobertura en este momento.",
        ),
    ),
    "de": Speech(
        ("hallo", "ja", "ja bitte", "Müller", "wer ist da", "guten Tag"),
        (
            "Schmidt, guten Tag",
            "Firma Weber, was kann ich für Sie tun",
            "hier ist Anna Müller",
            "Praxis Doktor Klein, guten Morgen",
        ),
        (
            "guten Tag, Sie sind mit dem Anschluss der Familie Müller verbunden. Bitte hinterlassen"
            " Sie eine Nachricht nach dem Signalton.",
            "hallo, hier ist die Mailbox von Peter. Ich bin gerade nicht erreichbar, bitte sprecht "
            "nach dem Ton.",
        ),
        ("kein Anschluss unter dieser Nummer. Bitte rufen Sie die Auskunft an.",),
    ),
    "pl": Speech(
        ("halo", "słucham", "tak", "dzień dobry"),
        ("dzień dobry, firma Nowak", "biuro obsługi, słucham", "Anna Kowalska, słucham pana"),
        (
            "dzień dobry, tu automatyczna sekretarka. Proszę zostawić wiadomość po usłyszeniu "
            "sygnału, oddzwonimy najszybciej jak to możliwe.",
        ),
        ("abonent czasowo niedostępny. Prosimy spróbować później.",),
    ),
    "id": Speech(
        ("halo", "ya", "ya halo", "siapa ini"),
        ("halo, selamat pagi", "kantor Jaya, selamat siang", "halo, dengan Budi di sini"),
        (
            "halo, Anda telah menghubungi kotak suara. Silakan tinggalkan pesan setelah nada "
            "berikut, kami akan segera menghubungi Anda kembali.",
        ),
        ("nomor yang Anda tuju sedang tidak aktif. Cobalah beberapa saat lagi.",),
    ),
    "cmn": Speech(
        ("喂", "你好", "喂你好", "哪位"),
        ("你好，这里是公司", "您好，请问找哪位", "喂，我是小王，请说"),
        ("您好，我现在无法接听您的电话，请在嘟声之后留言，我会尽快给您回电话。",),
        ("您拨打的电话已关机，请稍后再拨。",),
    ),
}

HELD_OUT: Final[dict[str, Speech]] = {
    "vi": Speech(
        ("a lô", "alo", "dạ", "a lô ạ", "ai đấy", "dạ a lô", "vâng", "a lô ai đấy ạ"),
        (
            "a lô, công ty Minh Anh xin nghe", "dạ, em nghe đây ạ", "a lô, phòng kinh doanh nghe",
            "công ty Hòa Bình xin chào", "a lô, tôi là Hùng, xin hỏi ai gọi đấy",
            "dạ lễ tân khách sạn Hoa Sen xin nghe ạ", "a lô, cho hỏi ai đầu dây đấy ạ",
        ),
        (
            "xin chào, đây là hộp thư thoại. Xin quý khách vui lòng để lại lời nhắn sau tiếng bíp.",
            "cảm ơn quý khách đã gọi đến công ty Minh Anh. Hiện tại chúng tôi đã hết giờ làm việc, "
            "xin quý khách vui lòng gọi lại sau.",
            "xin chào, tôi là Lan, hiện tôi không thể nghe máy, bạn hãy để lại lời nhắn nhé",
            "kính chào quý khách đã gọi đến tổng đài. Để gặp phòng kinh doanh, xin bấm phím một.",
        ),
        (
            "thuê bao quý khách vừa gọi tạm thời không liên lạc được. Xin quý khách vui lòng gọi "
            "lại sau.",
            "số máy quý khách vừa gọi không có thực. Xin quý khách vui lòng kiểm tra lại.",
        ),
    ),
    "fr": Speech(
        ("allô", "oui", "oui allô", "bonjour", "qui est-ce"),
        (
            "bonjour, société Martin", "allô, qui est à l'appareil", "cabinet Dupont, bonjour",
            "oui bonjour, Marie à l'appareil",
        ),
        (
            "bonjour, vous êtes bien chez la famille Martin. Laissez-nous un message après le bip "
            "et nous vous rappellerons.",
            "votre correspondant n'est pas disponible. Veuillez laisser un message après le signal "
            "sonore.",
        ),
        ("le numéro que vous avez demandé n'est plus attribué. Veuillez consulter l'annuaire.",),
    ),
    "ru": Speech(
        ("алло", "да", "слушаю", "алло, да"),
        ("добрый день, компания Альфа", "да, слушаю вас, кто это", "приёмная, здравствуйте"),
        (
            "здравствуйте, вы позвонили в компанию Альфа. Пожалуйста, оставьте сообщение после "
            "сигнала, и мы вам перезвоним.",
        ),
        ("аппарат абонента выключен или находится вне зоны действия сети.",),
    ),
    "pt-br": Speech(
        ("alô", "oi", "pois não", "quem fala"),
        ("bom dia, escritório Silva", "alô, aqui é a Ana", "recepção, boa tarde, em que posso"),
        (
            "olá, você ligou para a Ana. No momento não posso atender, deixe o seu recado depois do"
            " sinal que eu retorno a ligação.",
        ),
        ("o número chamado está desligado ou fora da área de cobertura.",),
    ),
    "tr": Speech(
        ("alo", "efendim", "evet", "buyurun"),
        ("iyi günler, Yıldız şirketi", "alo, kim arıyor acaba", "buyurun, ben Ayşe"),
        (
            "merhaba, şu anda telefona cevap veremiyorum. Lütfen sinyal sesinden sonra mesajınızı "
            "bırakın, sizi en kısa sürede arayacağım.",
        ),
        ("aradığınız kişiye şu anda ulaşılamıyor. Lütfen daha sonra tekrar deneyiniz.",),
    ),
}  # fmt: skip
