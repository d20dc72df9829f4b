"""Lines of news pages that do not belong to the article, told by their words alone; and bodies cleaned of them.

Patterns are matched against folded lines, and most of them against short lines only: a sentence that mentions Facebook
is not a share bar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

import orjson

from newsflow.normalise.characters import compile_folded, fold, letters_of
from newsflow.normalise.dates import parse_date
from newsflow.normalise.values import Dropped

# ruff: noqa: E501 - rows of words read best as rows


_STOPS, _CLOSERS = ".!?؟。…！？।", "\"'”»’)]"
SHORT_CHARS, HEADLINE_CHARS, MEDIUM_CHARS, LONG_CHARS = 60, 130, 220, 500
INVITATION_CHARS, SENTENCE_WORDS, LEGAL_WORDS = 60, 8, 14

_SHARE_WORDS = (
    r"شارك\w*|مشاركه|انشر|طباعه|نسخ( الرابط)?|تم النسخ|الرابط|ارسل|تعليقات?|اضف تعليق\w*|حفظ|استمع|استماع|تكبير|تصغير|"
    r"حجم الخط|فيسبوك|تويتر|واتساب|واتس اب|تلغرام|تيليغرام|تلجرام|تيليجرام|لينكد ان|انستغرام|ماسنجر|ايميل|بريد( الكتروني)?|"
    r"share( this)?( article| story| post)?|tweet|retweet|pin( it)?|print|e-?mail|copy( link)?|link copied|save|comments?|listen|"
    r"like|follow|facebook|twitter|whats ?app|telegram|linkedin|instagram|pinterest|reddit|messenger|x|viber|threads|bluesky|tumblr|"
    r"flipboard|youtube|tiktok|rss|google news|google\+|vk|ok|line|pocket|logo|menu|search|close|advertisement|реклама|"
    r"поделиться|скопировать ссылку|распечатать|печать|комментари\w+|вконтакте|одноклассники|телеграм|дзен|"
    r"partager|imprimer|commenter|commentaires?|teilen|drucken|kommentare?|merken|compartir|imprimir|comentarios?|"
    r"condividi|stampa|compartilhar|paylas|yazdir|udostepnij|drukuj|поділитися|надрукувати|"
    r"分享到?|转发|轉發|微博|微信|朋友圈|打印|收藏|シェア(?:する)?|ツイート|印刷|공유(?:하기)?|인쇄|카카오톡|페이스북|트위터|"
    r"שתף|שיתוף|הדפסה|تغريده|اعلان|اعلانات|شعار|القائمه|بحث|اغلاق|اشتراك( راك)?"
)
_NOISE = r"[\s\d|/·•,:.+*–—\-()«»\[\]&]*"
_SHARE = compile_folded(rf"{_NOISE}(?:(?:{_SHARE_WORDS}|on|via|عبر|علي|و|в|на|sur|par|auf|en|this|with|by){_NOISE})+")
# What asks the reader, and what a sentence may begin with: the latter is a heading only by itself, or as a label.
_LEAD = r"[\s\d|/·•*–—\->»«:◄►▪■●\[(]*"
_READ_ALSO = compile_folded(
    rf"{_LEAD}(?:"
    r"[اإ]?قر[اأ]?\w{0,2} (?:ايضا|المزيد|كذلك|اكثر)|اقرا\s*:|قد يهمك|قد يعجبك|ربما يعجبك|طالع ايضا|شاهد ايضا|شاهدوا ايضا|انظر ايضا|"
    r"تابع ايضا|اخترنا لك|"
    r"(?:also )?read(?: also| more| next| too)\s*[:|\-–—]|read (?:also|more|next)\b|also read|see also|also on \w+\.\w+|"
    r"you (?:may|might) (?:also )?(?:like|be interested in)\b|recommended for you|watch (?:also|more|now)?\s*[:|]|"
    r"читайте? (?:также|ещ[её]|больше|далее|по теме)|смотрите? (?:также|ещ[её])|читайте у нас|"
    r"читайте також|дивіться також|дивитися також|читати також|"
    r"lire aussi|a lire(?: aussi| egalement)\b|lire egalement|voir aussi|"
    r"lesen sie (?:auch|mehr|hier)|siehe auch|lea tambien|lee tambien|te puede interesar|"
    r"leia (?:tambem|mais)|veja (?:tambem|mais)|saiba mais|leggi anche|czytaj (?:tez|takze|wiecej|rowniez)|zobacz (?:tez|takze)|"
    r"bunlar da ilginizi|بيشتر بخوانيد|بخوانيد\s*:|مزيد پڙهي|يه بهي پڙهي|"
    r"קראו (?:גם|עוד)|baca juga|lees ook|les ogsa|las (?:aven|mer)|čtete tez|διαβαστε (?:επισης|ακομα)|प?ये भी पढे"
    r")"
)
_MORE = compile_folded(
    rf"{_LEAD}(?:"
    r"مواضيع (?:ذات صله|متعلقه|مشابهه)|(?:اخبار|مقالات|موضوعات) (?:ذات صله|متعلقه|مشابهه|اخري)|للمزيد|المزيد من|المزيد حول|لمزيد من|"
    r"ايضا علي|الاكثر (?:قراءه|مشاهده|تداولا)|ذات صله|قراءه المزيد|"
    r"more (?:on|from|about)|related (?:articles?|stor(?:y|ies)|news|topics?|posts?|content|links)|related|"
    r"recommended (?:stories|articles|reading)|don.?t miss|most (?:read|popular|viewed)|also on|a lire|"
    r"материалы по теме|по теме|подробнее|еще по теме|другие новости|популярное|sur le meme sujet|mehr zum thema|auch interessant|"
    r"mas informacion|ilgili haberler?|benzer haberler|مطالب مرتبط|עוד בנושא|"
    r"(?:相[关關](?:阅读|閱讀|新闻|新聞|报道|報導|文章)|(?:延伸|推荐|推薦)(?:阅读|閱讀)|関連(?:記事|ニュース)|あわせて読みたい|관련 ?(?:기사|뉴스))"
    r")(?:\s*[:：|].*|(?: \S*[^\s.!?؟。]){0,3}[\s»>→…]*)"
)
# What speaks of the outlet, and what a sentence may begin with: the latter is promotion where it names a channel, or is
# short and no sentence.
_PROMOTION = compile_folded(
    r"[\s|·•*–—\->»:]*(?:"
    r"تابعو?نا? (?:علي|عبر|في)|مركز الاشعارات|النشره البريديه|اضغط هنا|click here|"
    r"(?:please )?(?:follow|join|find|like) (?:us|our) (?:on|at|channel)|"
    r"already (?:a (?:subscriber|member)|subscribed|registered)\s*\?|(?:log|sign) in to (?:read|continue|view|comment|access)|(?:to )?continue reading this|(?:deja abonne|bereits abonniert|¿?ya eres suscriptor|уже подписаны|هل انت مشترك|لديك حساب)\s*[?؟]|subscribe (?:now|here|today)|sign up (?:to (?:our|receive|get)|here|now)|download our app|get our (?:app|newsletter)|"
    r"like this (?:story|article)\?|share (?:it|this|your) (?:with|story|on|thoughts)|become a (?:member|subscriber)|"
    r"enter your e-?mail|join the (?:conversation|discussion)|leave a (?:comment|reply)|"
    r"наш (?:telegram|телеграм)|читайте нас|нашли (?:ошибку|опечатку)|abonnez-vous|inscrivez-vous|abonnieren sie|siguenos|siguenos|"
    r"(?:点击|點擊)进入|扫一扫|扫码|掃描|关注我们|關注我們|返回首页|フォローする|seguici|bizi takip|ما را در .{0,30}دنبال"
    r")"
)
_INVITATION = compile_folded(
    r"[\s|·•*–—\->»:]*(?:"
    r"(?P<verb>follow |join |get the|download the|support (?:us|our|quality|independent)|suivez|sigue |siga |assine|inscreva|suscri|"
    r"folgen sie|takip edin|obserwuj|zapisz sie|слідкуйте|приєднуйтесь|עקבו|הצטרפו|تابعوا? |انضم\w* (?:الي|الان))|"
    r"لمتابعه |اشترك\w* (?:في|الان|ب)|حمل\w* (?:التطبيق|تطبيق\w*)|subscribe to|sign up (?:for|to)|newsletter\b|"
    r"подпис(?:ывайтесь|аться|ывайся) (?:на|в)|следите за|присоединяйтесь|підпис(?:уйтесь|атися)|iscriviti"
    r")"
)
_CHANNEL = compile_folded(
    r"\b(?:newsletter|facebook|twitter|instagram|telegram|whats ?app|youtube|tiktok|linkedin|google news|messenger|viber|dzen|rss|"
    r"e-?mails?|app|apps|podcast|notifications?|(?:our|your) (?:newsletter|channel|page|inbox|reporting|journalism|newsroom|readers)|"
    r"телеграм\w*|фейсбук\w*|вконтакте|одноклассник\w*|дзен\w*|рассылк\w*|розсилк\w*|канал\w*|нашими? новост\w+|sms|"
    r"boletin|bulletin|lettre d'info\w*|infolettre|kanal\w*|bulten\w*)\b"
    r"|تلغرام|تليجرام|تيليجرام|تيليغرام|تلجرام|فيسبوك|تويتر|انستغرام|انستجرام|واتساب|واتس اب|يوتيوب|تطبيق|قناتنا|صفحتنا|النشره|טלגרם|פייסבוק|ערוץ"
)
# What claims rights is a footer even as a sentence; what only names them is one where it is no sentence.
_FOOTER = compile_folded(
    r".{0,60}(?:© ?(?:copyright )?\d{4}|\(c\) ?\d{4}|copyright (?:©|\(c\))|(?:جميع|كل|كافه) الحقوق.{0,30}محفوظ|الحقوق محفوظه|all rights reserved|"
    r"все права (?:на .{0,40})?защищен|усі права (?:на .{0,40})?захищен|tous droits (?:de .{0,40})?reserves|alle rechte vorbehalten|"
    r"todos los derechos (?:estan )?reservados|todos os direitos (?:estao )?reservados|tutti i diritti (?:sono )?riservati|"
    r"wszelkie prawa zastrzezone|tum haklari (?:saklidir|mahfuzdur|sakli)|تمامي حقوق .{0,60}(?:محفوظ|متعلق)|כל הזכויות שמורות|"
    r"版[权權]所有(?![人者])|未经(?:书面)?(?:授权|许可),?(?:不得|禁止|请勿)|無断(?:転載|複製).{0,8}禁|무단 ?전재.{0,12}금지|"
    r"при (?:использовании|перепечатке|цитировании) материалов.{0,60}(?:ссылк|обязательн)|"
    r"may not be (?:published|reproduced)(?:, (?:broadcast|rewritten|copied|distributed)| or (?:redistributed|distributed|copied)| in (?:whole|any form)))"
    r"|[\s|·•*–—\-]*(?:copyright \d{4}|this (?:web)?site uses cookies|we use cookies(?: (?:to|on this|and)\b|\W*$)|"
    r"(?:this|the) (?:material|content|article|story|report) may not be (?:published|reproduced))"
)
_LEGAL = compile_folded(
    r"(?:\S+ ){0,3}(?:©|copyright\b|حقوق النشر|حقوق الملكيه|هر ?گونه)|.{0,60}(?:©|privacy policy|terms of (?:use|service)|"
    r"cookie (?:policy|settings)|سياسه الخصوصيه|شروط الاستخدام|اتفاقيه الاستخدام|політика конфіденційності|политика конфиденциальности)"
)
_CAPTION = compile_folded(
    r"[\s(\[]*(?:(?:photo|image|picture|file photo|file|illustration|video|graphic)(?: credit| by| courtesy(?: of)?| source)?\s*[:/|]|"
    r"(?:الصوره|صوره|المصور|تصوير|عدسه|مصدر الصوره|كاريكاتير)\s*[:/|]|صوره ارشيفيه|صوره تعبيريه|ارشيفيه|تعبيريه|(?:من )?الارشيف|"
    r"(?:фото|фотография|изображение|иллюстрация|скриншот|снимок)\s*[:/|©]|foto\s*[:/|]|bild(?:quelle)?\s*[:/|]|credit\s*[:/|]|credits?\s*[:/|]|"
    r"(?:photo|foto|фото) (?:by|de|di|von|par|d'archives|архив))"
    r"|.{0,200}(?:/ ?(?:getty images|getty|reuters|afp|ap photo|ap|epa|shutterstock|tass|тасс|риа новости|رويترز|ا ف ب)|"
    r"via getty images|[(\[](?:getty images|shutterstock|istock(?:photo)?|depositphotos)|\(ap photo[^)]*\)|/ ?(?:afp|via) .{0,30})[)\].\s]*"
)
# As credits they end lines that are no sentences.
_CREDITED = compile_folded(r".{0,200}(?:getty images|\(ap\)|shutterstock|istock(?:photo)?|depositphotos)[)\]\s]*")
_SOURCE = compile_folded(
    r"[\s(\[|*–—\-]*(?:المصدر|مصدر الخبر|نقلا عن|(?:消息|文章)?来源|來源|出典|출처|المصادر|source|sources|via|источники?|джерел[оа]|quelle|fuente|fonte|kaynak|zrodlo|منبع|"
    r"מקור|sumber|bron)\s*[:|/–—\-]\s*.{1,60}"
)
_BYLINE = compile_folded(
    r"[\s(\[|*]*(?:(?:by|written by|reported by|story by|reporting by|editing by)\s+(?-i:\S+)(?:\s+\S+){0,8}"
    r"|(?:كتب\w?|كتابه|بقلم|اعداد|تحرير|مراسل\w*|اعداد وتحرير|ترجمه|تقرير|المحرر|الكاتب)\s*[:/–—\-|]\s*\S+(?:\s+\S+){0,5}"
    r"|(?:автор|текст|подготовил[аи]?|автори|редактор|журналист)\s*[:/|\-–—]\s*\S+(?:\s+\S+){0,5}"
    r"|(?:责任编辑|責任編輯|编辑|編輯|记者|記者|作者|校对|기자|편집)\s*[:/|]\s*\S+(?:\s+\S+){0,3}"
    r"|(?:par|von|por|di|autor|autora|auteur|haber|muhabir)\s*[:/|]\s*\S+(?:\s+\S+){0,5})[\s.)\]]*"
)
_LETTER = re.compile(r"[^\W\d_]")
# What prose does not contain: braces, assignments, escapes, calls, keys, ends of statements.
_CODE_SIGN = re.compile(
    r"""[{}=\\]+|;$|\(\)|\w\(['"]|\w\.\w+\(|["']\s*:|["'],\s*["']|&&|\|\||//\S"""
    r"""|[a-z]:\s*[#\w".-][^;:{}]{0,60};|(?<!\w)[#.][a-zA-Z][\w-]+"""
)
_CODE_HINT = re.compile(r"[{}=\\#;]")
CODE_CHARS, CODE_SHARE = 300, 0.02
_SENTENCE_END = re.compile(rf"[{_STOPS}][{re.escape(_CLOSERS)}]*\s+")
SENTENCE_WORDS = 6
_ENDS_SENTENCE = re.compile(r"[.!?؟。…\"”»'’)\]:]$")
_EDGE_LINES = 4


@lru_cache(maxsize=8192)
def why_dropped(line: str) -> str | None:
    """Why a tidy line does not belong to an article (a kebab-case word), or None when nothing says so."""
    if len(line) > LONG_CHARS:
        return None
    folded = fold(line)
    if not has_letters(folded):
        return "no-words"
    is_sentence = ends_sentence(line)
    if len(line) <= SHORT_CHARS and not is_sentence and _SHARE.fullmatch(folded):
        return "share-bar"
    if len(line) <= MEDIUM_CHARS:
        if (len(line) <= HEADLINE_CHARS and _READ_ALSO.match(folded)) or _MORE.fullmatch(folded):
            return "read-also"
        if _is_caption(line, folded, is_sentence=is_sentence):
            return "caption"
        if (not is_sentence or folded.count(" ") < SENTENCE_WORDS) and _SOURCE.fullmatch(folded):
            return "source-line"
    if _FOOTER.match(folded) or (not is_sentence and folded.count(" ") < LEGAL_WORDS and _LEGAL.match(folded)):
        return "footer"
    if len(line) <= 300 and _is_promotion(line, folded, is_sentence=is_sentence):
        return "promotion"
    return None


def _is_caption(line: str, folded: str, *, is_sentence: bool) -> bool:
    if _CAPTION.fullmatch(folded) or (not is_sentence and _CREDITED.fullmatch(folded)):
        return True
    return len(line) <= 160 and _is_label(folded)


def _is_promotion(line: str, folded: str, *, is_sentence: bool) -> bool:
    if _PROMOTION.match(folded):
        return True
    if (match := _INVITATION.match(folded)) is None:
        return False
    is_short = len(line) <= INVITATION_CHARS and not is_sentence and (match["verb"] is None or line.endswith(":"))
    return is_short or _CHANNEL.search(folded) is not None


def ends_sentence(line: str) -> bool:
    """Whether a line ends with a full stop or the like, and perhaps what closes a quotation behind it."""
    return line.rstrip(_CLOSERS).endswith(tuple(_STOPS))


def has_letters(line: str) -> bool:
    return _LETTER.search(line) is not None


def _is_label(folded: str) -> bool:
    """Whether a line begins with a label such as `Photo:`, rather than with the word in a sentence."""
    match = _CAPTION.match(folded)
    return match is not None and folded[: match.end()].rstrip()[-1:] in ":/|©"


def is_byline(line: str) -> bool:
    """Whether a short line only says who wrote the article."""
    return len(line) <= 90 and line[-1:] not in ".!?؟" and _BYLINE.fullmatch(fold(line)) is not None


def is_code(line: str) -> bool:
    """Whether a line is a script, a style or data that was left when the tags were stripped."""
    head = line[:CODE_CHARS]
    if not _CODE_HINT.search(head):  # true of nearly all text, and thirty times faster than counting
        return False
    return len(_CODE_SIGN.findall(head)) >= max(3, CODE_SHARE * len(head))


def split_code(line: str) -> tuple[str, ...]:
    """A line in parts: the sentences that run into a script or a style, and that; any other line is one part."""
    hint = _CODE_HINT.search(line[:CODE_CHARS])
    if hint is None or not is_code(line):
        return (line,)
    end = max((match.end() for match in _SENTENCE_END.finditer(line, 0, hint.start())), default=0)
    return (line[:end].rstrip(), line[end:]) if len(line[:end].split()) >= SENTENCE_WORDS else (line,)


@dataclass
class Cleaned:
    """The lines kept, and those dropped; `credits` are dropped lines that may name an agency or an author."""

    lines: list[str] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    credits: list[str] = field(default_factory=list)


def clean_lines(lines: Sequence[str], titles: Sequence[str], drop_lines: Sequence[str] = ()) -> Cleaned:
    """A body's tidy lines without boilerplate. `titles` are readings of its title, `drop_lines` a source profile's."""
    result = Cleaned()
    keys = {key for title in titles if (key := _key(title))}
    own = _matcher(drop_lines)
    in_list = 0
    for index, line in enumerate(lines):
        at_edge = index < _EDGE_LINES or index >= len(lines) - _EDGE_LINES
        why = "source-profile" if own and own.fullmatch(line) else _why(line, keys, at_edge=at_edge)
        if why is None and in_list > 0 and _is_teaser(line):
            why = "read-also"
        if why == "read-also":
            is_heading = len(line) <= 30 or line.rstrip().endswith((":", "："))  # with its headlines below
            in_list = 3 if is_heading else in_list - 1
        else:
            in_list = 0
        if why is None:
            result.lines.append(line)
        else:
            result.dropped.append(Dropped(line, why))
            if why in ("byline", "source-line", "caption"):
                result.credits.append(line)
    return result


def _why(line: str, title_keys: set[str], *, at_edge: bool) -> str | None:
    if (why := why_dropped(line)) is not None:
        return why
    if len(line) <= 400 and _key(line) in title_keys:
        return "title"
    if at_edge and is_byline(line):
        return "byline"
    if at_edge and len(line) <= 80 and any(char.isdigit() for char in line) and parse_date(line):
        return "date-line"
    return None


def _is_teaser(line: str) -> bool:
    """Whether a line after a `read also` heading is one of its headlines, and not the text going on."""
    return len(line) <= 140 and not _ENDS_SENTENCE.search(line)


def _key(text: str) -> str:
    return letters_of(text) if len(text) < 500 else ""


def _matcher(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """One pattern for a profile's lines, in which `*` stands for any text."""
    if not patterns:
        return None
    return re.compile("|".join(".*".join(map(re.escape, pattern.split("*"))) for pattern in patterns), re.DOTALL)


# The news agency an article credits: by byline, dateline or credit line. A mention in the text is not a credit.


# ruff: noqa: E501 - rows of words read best as rows


_AGENCIES: dict[str, str] = orjson.loads(files("newsflow.normalise").joinpath("data/agencies.json").read_bytes())
"""Patterns of names, folded, by the name that is given."""
_ORDERED = tuple((name, compile_folded(rf"(?:{pattern})")) for name, pattern in _AGENCIES.items())
_ANY = "|".join(f"(?:{pattern})" for pattern in _AGENCIES.values())


def _name(number: int) -> str:
    return rf"(?:وكاله(?: انباء)? )?(?P<agency{number}>{_ANY})"


# CITY (Reuters) - | القاهرة - رويترز - | МОСКВА, 15 дек - РИА Новости. | /ТАСС/. | (AFP)
_DATELINE = compile_folded(
    rf"(?:[^.!?؟\n]{{0,50}}?[\s,،/–—\-(:])?[(\[/]\s*{_name(1)}\s*[)\]/](?:\s*[.\-–—:]|\s)"
    rf"|[^.!?؟()\n]{{1,45}}?(?:\.?\s*[\-–—|/:,،]+\s*|\s*\d{{1,2}} \w+\.?\s*[\-–—.]+\s*){_name(2)}\s*[.\-–—:/)]"
    rf"|{_name(3)}\s*[\-–—:]\s"
)
_CREDIT = compile_folded(
    rf"[\s(\[/*–—\-|]*(?:(?:المصدر|مصدر|نقلا عن|source|sources|via|источник|источники|джерело|quelle|fuente|fonte|kaynak|zrodlo|منبع|credit)\s*[:|/–—\-]*\s*)"
    rf"(?:\w+ ?[+&/,،\-–—] ?)?{_name(4)}[\s)\]/.*]*(?:[+&/,،\-–—|].{{0,30}})?"
    rf"|[\s]*[(\[/*–—\-]+\s*{_name(5)}\s*[)\]/.*–—\-]*|{_name(6)}"
)
_CREDIT_BYLINE = compile_folded(
    rf"(?:(?:by|by the|with|من|عن|par|von)\s+)?(?:.{{0,60}}?(?:[\s(/,،|\-–—+&]|^))?{_name(7)}"
    r"(?:\s*[)/,،|&+].{0,40}|(?: \w+){0,3} (?:writers?|reporters?|correspondents?|photographers?|staff))?"
)
_SHORT_CHARS = 80
_HEAD_CHARS = 140


def find_agency(body: str, bylines: Iterable[str] = (), credit_lines: Iterable[str] = ()) -> str | None:
    """The agency credited (`Reuters`, `AFP`, `agencies` ...), or None.

    `bylines` are author names and byline lines; `credit_lines` are lines outside the body such as `Source: Reuters`.
    Of the body only the first words and the last line are read.
    """
    for byline in bylines:
        if len(byline) <= _SHORT_CHARS and (match := _CREDIT_BYLINE.fullmatch(fold(byline))):
            return _canonical(match)
    lines = body.split("\n")
    if match := _DATELINE.match(fold(lines[0][:_HEAD_CHARS])):
        return _canonical(match)
    for line in [*credit_lines, lines[-1]]:
        if len(line) <= _SHORT_CHARS and (match := _CREDIT.fullmatch(fold(line))):
            return _canonical(match)
    return None


def _canonical(match: re.Match[str]) -> str | None:
    found = next(text for text in match.groupdict().values() if text)
    return next((name for name, pattern in _ORDERED if pattern.fullmatch(found)), None)
