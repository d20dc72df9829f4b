"""The note that WordPress puts below an article in its feeds: `The post … appeared first on …`, as its translators
have it."""

from __future__ import annotations

import re

# ruff: noqa: E501, SIM905 - rows of words read best as rows

MAX_CHARS = 600
_TITLE, _SITE = ".{1,400}?", ".{1,100}?"
# The title stands for the first dots, the site's name for the second.
_NOTES = (
    "The post … appeared first on …|The post … first appeared on …|Der Beitrag … erschien zuerst auf …|"
    "L'article … est apparu en premier sur …|Cet article … est apparu en premier sur …|La entrada … se publicó primero en …|"
    "La entrada … apareció primero en …|La entrada … aparece primero en …|L'entrada … ha aparegut primer a …|"
    "O post … apareceu primeiro em …|O conteúdo … aparece primeiro em …|L'articolo … proviene da …|"
    "L'articolo … sembra essere il primo su …|Het bericht … verscheen eerst op …|Inlägget … dök först upp på …|"
    "Indlægget … blev først udgivet på …|Innlegget … dukket først opp på …|Artikkeli … julkaistiin ensimmäisen kerran …|"
    "Artikkeli … ilmestyi ensin …|Postitus … ilmus esmalt …|Įrašas … pirmiausia pasirodė …|Raksts … pirmo reizi parādījās …|"
    "Artykuł … pochodzi z serwisu …|Příspěvek … pochází z …|Příspěvek … se nejdříve objevil na …|"
    "Príspevok … zobrazený najskôr …|Objava … pojavila se prvi puta na …|Objava … se je pojavila na …|"
    "Članak … se pojavio prvo na …|Articolul … apare prima dată în …|Сообщение … появились сначала на …|"
    "Сообщение … появилось сначала на …|Запись … впервые появилась …|Запис … спершу з'явився на …|"
    "Повідомлення … з'явилися спочатку на …|Публикацията … се появи за първи път в …|Публикацията … се появи за пръв път в …|"
    "Чланак … се појавио прво на …|Το άρθρο … εμφανίστηκε πρώτα στο …|Η ανάρτηση … εμφανίστηκε πρώτα στο …|"
    "ظهرت المقالة … أولا على …|المقالة … ظهرت أولا على …|التدوينة … ظهرت أولا على …|ظهر المقال … أولا على …|"
    "نوشته … اولین بار در … پدیدار شد|הפוסט … הופיע לראשונה ב…|投稿 … は … に最初に表示されました|게시물 … 처음 등장했습니다…|"
    "Artikel … pertama kali tampil pada …|Postingan … muncul pertama kali di …|Bài viết … đã xuất hiện đầu tiên vào ngày …|"
    "Bài viết … xuất hiện đầu tiên tại …"
).split("|")
# Those that begin with the title have a line of their own.
_LINES = (
    "… yazısı ilk önce … üzerinde ortaya çıktı|… ilk önce … üzerinde ortaya çıktı|A(z) … bejegyzés először … jelent meg|"
    "…最先出现在…|〈…〉這篇文章最早發佈於《…》|… 게시물이 …에 처음 나타났습니다"
).split("|")


def _pattern(note: str) -> str:
    first, between, last = map(re.escape, note.split("…"))
    pattern = f"{first}{_TITLE}{between}{_SITE}{last}"
    return pattern.replace("'", "['’ʼ]").replace("أولا", "[أا]ول(?:ا|اً|ًا)")


_NOTE = re.compile(
    rf"(?:(?:^|(?<=[.!?…\]؟۔»”\"'] ))(?:{'|'.join(map(_pattern, _NOTES))})|^(?:{'|'.join(map(_pattern, _LINES))}))[\s.。]*$",
    re.IGNORECASE,
)


def split_feed_note(line: str) -> tuple[str, str]:
    """A line without the note at its end, and the note; empty where there is none."""
    match = _NOTE.search(line, max(0, len(line) - MAX_CHARS))
    return (line[: match.start()].rstrip(), match[0]) if match else (line, "")
