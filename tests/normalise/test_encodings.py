"""Bytes in the encodings of the web, and text that was decoded wrongly. All texts are invented."""

from __future__ import annotations

import pytest

from newsflow.normalise.encodings import decode_bytes, python_name, repair_text

TEXTS = {
    "ru": "Совет гавани Мерроу собрался во вторник вечером и решил починить старую стену до зимних штормов. Половину заплатит область.",
    "uk": "Рада гавані Мерроу зібралася у вівторок увечері й вирішила полагодити старий мур до зимових штормів. Половину сплатить область.",
    "ar": "اجتمع مجلس ميناء مرو مساء الثلاثاء وقرر ترميم الجدار القديم قبل عواصف الشتاء. وتدفع المحافظة نصف التكاليف.",
    "pl": "Rada portu w Merrow zebrała się we wtorek wieczorem i postanowiła naprawić stary mur przed zimą. Połowę zapłaci województwo, resztę żeglarze, którzy cumują łódź.",
    "tr": "Merrow liman meclisi salı akşamı toplandı ve eski duvarın kış fırtınalarından önce onarılmasına karar verdi. Yarısını valilik ödeyecek, dediği gibi başkan.",
    "zh": "梅罗港务委员会周二晚间开会，决定在冬季风暴来临之前修复旧海堤。费用的一半由省里支付，其余来自六年的停泊费。",
    "ja": "メロー港の評議会は火曜日の夜に開かれ、冬の嵐の前に古い防波堤を修理することを決めた。費用の半分は県が払う。",
    "ko": "메로 항만 위원회는 화요일 저녁에 모여 겨울 폭풍이 오기 전에 낡은 방파제를 고치기로 했다. 비용의 절반은 도가 낸다.",
    "el": "Το συμβούλιο του λιμανιού συνεδρίασε την Τρίτη το βράδυ και αποφάσισε να επισκευάσει το παλιό τείχος πριν από τον χειμώνα.",
    "he": "מועצת הנמל של מרו התכנסה ביום שלישי בערב והחליטה לתקן את החומה הישנה לפני סערות החורף. מחצית תשלם המחוז.",
    "th": "สภาท่าเรือเมอร์โรว์ประชุมเมื่อเย็นวันอังคารและตัดสินใจซ่อมกำแพงเก่าก่อนพายุฤดูหนาว จังหวัดจ่ายครึ่งหนึ่ง",
    "fr": "Le conseil du port s'est réuni mardi soir et a décidé de réparer le vieux mur avant l'hiver ; la moitié sera payée par le département, d'après la maire.",
}
LEGACY = [
    ("ru", "cp1251"), ("ru", "koi8-r"), ("uk", "cp1251"), ("ar", "cp1256"), ("pl", "cp1250"), ("pl", "iso8859-2"),
    ("tr", "cp1254"), ("zh", "gb18030"), ("zh", "gbk"), ("ja", "cp932"), ("ja", "euc_jp"), ("ko", "cp949"), ("el", "cp1253"),
    ("he", "cp1255"), ("th", "cp874"), ("fr", "cp1252"),
]  # fmt: skip
PAGE = "<!doctype html><html><head>{}<title>Merrow</title><script>var x = 'y';</script></head><body><p>{}</p></body></html>"


@pytest.mark.parametrize(("language", "encoding"), LEGACY)
def test_an_undeclared_encoding_is_detected(language: str, encoding: str) -> None:
    page = PAGE.format("", TEXTS[language])
    assert decode_bytes(page.encode(encoding)) == page


@pytest.mark.parametrize(
    ("label", "encoding", "language"),
    [
        ("windows1256", "cp1256", "ar"),
        ("WIN-1251", "cp1251", "ru"),
        ("x-sjis", "cp932", "ja"),
        ("gb2312", "gb18030", "zh"),
        ("ks_c_5601-1987", "cp949", "ko"),
        ("iso8859-9", "cp1254", "tr"),
        ("iso-2022-jp", "iso2022_jp", "ja"),
        ("latin1", "cp1252", "fr"),
    ],
)
def test_labels_as_servers_write_them(label: str, encoding: str, language: str) -> None:
    page = PAGE.format(f'<meta http-equiv="content-type" content="text/html; charset={label}">', TEXTS[language])
    assert decode_bytes(page.encode(encoding)) == page
    sent = PAGE.format("", TEXTS[language])
    assert decode_bytes(sent.encode(encoding), label) == sent


def test_labels_that_name_nothing() -> None:
    assert [python_name(label) for label in ("no-such", "utf8", "x-user-defined", "windows-9999", "")] == [None] * 5
    assert decode_bytes(b"<meta charset=no-such>" + TEXTS["ru"].encode("cp1251")).endswith(TEXTS["ru"])


@pytest.mark.parametrize("label", ["utf-8", "iso-8859-1", "windows-1252"])
@pytest.mark.parametrize(
    ("language", "encoding"), [("ru", "cp1251"), ("ar", "cp1256"), ("tr", "cp1254"), ("zh", "gb18030")]
)
def test_a_label_that_is_wrong_is_not_believed(label: str, language: str, encoding: str) -> None:
    page = PAGE.format(f"<meta charset={label}>", TEXTS[language])
    assert decode_bytes(page.encode(encoding)) == page


@pytest.mark.parametrize("read_as", ["latin-1", "sloppy-windows-1252", "cp1251", "cp1256", "sloppy-windows-1250"])
@pytest.mark.parametrize("language", ["ru", "ar", "pl", "tr", "zh", "ja", "ko", "he", "th", "fr"])
def test_utf8_that_was_read_as_another_encoding(language: str, read_as: str) -> None:
    import ftfy.bad_codecs  # noqa: F401 - registers the sloppy ones

    text = TEXTS[language]
    try:
        broken = text.encode().decode(read_as)
    except UnicodeDecodeError:
        pytest.skip("its bytes are not defined there")
    assert repair_text(broken) == text
    assert repair_text(PAGE.format("", broken)) == PAGE.format("", text)


@pytest.mark.parametrize(("language", "encoding"), [pair for pair in LEGACY if pair[0] != "fr"])
@pytest.mark.parametrize("read_as", ["latin-1", "sloppy-windows-1252"])
def test_another_script_that_was_read_as_latin(language: str, encoding: str, read_as: str) -> None:
    import ftfy.bad_codecs  # noqa: F401

    assert repair_text(TEXTS[language].encode(encoding).decode(read_as)) == TEXTS[language]


def test_japanese_whose_escapes_were_kept() -> None:
    assert repair_text(TEXTS["ja"].encode("iso2022_jp").decode("ascii")) == TEXTS["ja"]
    assert repair_text("\x1b[31mred\x1b[0m") == "\x1b[31mred\x1b[0m"


def test_chinese_whose_utf8_was_read_as_gbk() -> None:
    found = repair_text(TEXTS["zh"].encode().decode("gb18030", "ignore"))
    assert sum(char in found for char in TEXTS["zh"]) > 0.9 * len(TEXTS["zh"])


def test_one_broken_line_among_others() -> None:
    good = "The council â€œmetâ€\x9d on Tuesday; it didnâ€™t decide."
    assert repair_text(f"Plain.\n{good}\n«Bien»") == "Plain.\nThe council “met” on Tuesday; it didn’t decide.\n«Bien»"


@pytest.mark.parametrize("language", TEXTS)
def test_text_that_is_right_stays(language: str) -> None:
    assert repair_text(TEXTS[language]) == TEXTS[language]
    assert decode_bytes(TEXTS[language].encode()) == TEXTS[language]


@pytest.mark.parametrize(
    "text",
    [
        "Ævintýrið við höfnina þegar maðurinn sagði að veggurinn yrði lagaður áður en veturinn kæmi, því að það væri þörf á því.",
        "Gamli havnarmúrurin verður umvældur, segði býráðið í Merrow, áðrenn veturin kemur við sínum ódnum og illveðri.",
        "NÃO: A CÂMARA DE MERROW DECIDIU REPARAR O MURO",
        "Das Öl kostet 3 € – «viel zu viel», sagte Frau Äschlimann.",
        "x³ + y³ = z³, 5 m² à 3 £",
        "¿Qué pasó? ¡Nada! Año 2024, niñas y niños",
        "Ørsted og Åse på øya såg æva",
    ],
)
def test_signs_that_only_look_broken_stay(text: str) -> None:
    assert repair_text(text) == text


def test_a_broken_byte_among_many_is_one_lost_letter() -> None:
    page = PAGE.format("", TEXTS["ru"] * 9).encode()
    assert decode_bytes(page.replace("штормов".encode(), b"\xff", 1)).count("\ufffd") == 1


def test_few_bytes_tell_nothing() -> None:
    assert decode_bytes(b"caf\xe9") == "caf\ufffd"
    assert decode_bytes(b"") == ""
