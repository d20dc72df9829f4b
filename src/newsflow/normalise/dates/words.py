"""The words around a date, all folded: halves of the day, what says that it was published or updated, fillers."""

from __future__ import annotations

import re
import unicodedata

from newsflow.normalise.characters import fold

# ruff: noqa: E501 - rows of words read best as rows

_SPACING = "".join(char for char in map(chr, range(0x900, 0x1800)) if unicodedata.category(char) == "Mc")
WORD = rf"[^\W\d_]+(?:(?:[.'\"״](?=[^\W\d_])|[{_SPACING}])+[^\W\d_]*)*"
"""A word of a folded text, with the vowels of Indic scripts that folding leaves and `\\w` has not."""


def _folded(text: str) -> frozenset[str]:
    """Words, `_` between those of a phrase; without the dot at the end, as in tokens."""
    return frozenset(re.sub(r"\.(?= |$)", "", fold(word.replace("_", " "))) for word in text.split())


AM = _folded(
    "am a.m. a.m a._m. ص صباحا صباحاً الصباح فجرا فجراً الفجر صبح قبل_الظهر ق.ظ ق_ظ قبل‌ازظهر قبل_از_ظهر "
    'утра ранку öö ös öös. de_la_mañana da_manhã del_mattino matin morgens vormittags przed_południem לפנה״צ לפנה"צ '
    "बजे_सुबह सुबह पूर्वाह्न एएम sa 上午 凌晨 早上 午前 오전 pagi π.μ. πμ dop. dopoledne πμ. am. 早晨 সকাল ভোর এএম p.d ب.ن pg ਪੂ.ਦੁ ጥዋት ጠዋት"
)
PM = _folded(
    "pm p.m. p.m p._m. م مساء مساءً المساء مساءا عصرا عصراً العصر بعد_الظهر ب.ظ ب_ظ بعدازظهر بعد_از_ظهر "
    'вечера вечора de_la_tarde da_tarde del_pomeriggio abends nachmittags po_południu אחה״צ אחה"צ '
    "अपराह्न शाम पीएम ch chiều 下午 晚上 午後 오후 sore malam μ.μ. μμ odp. odpoledne pm. বিকাল বিকেল সন্ধ্যা পিএম m.d د.ن ptg ਬਾ.ਦੁ ከሰዓት"
)
NOON = _folded("ظهرا ظهراً الظهر дня noon midi öğle 中午 दोपहर দুপুর")
NIGHT = _folded("ليلا ليلاً الليل ليل ночи ночі nachts de_la_noche da_noite রাত")
"""Six to eleven is before midnight, twelve is midnight, one to five after it."""

PUBLISHED = _folded("""
    published posted created publication date_published first_published
    publié publiée publication date_de_publication mis_en_ligne mise_en_ligne créé paru parue posté
    publicado publicada creado creada publicación fecha_de_publicación criado criada publicação data_de_publicação
    pubblicato pubblicata creato creata pubblicazione data_di_pubblicazione publicat publicada publicació publicării
    veröffentlicht veröffentlichung erstellt erschienen publiziert gepubliceerd geplaatst gepost publicatie
    опубликовано опубликована опубликован публикации публикация создано размещено добавлено
    опубліковано опублікована опублікування публікації публікація створено додано апублікавана апублікаваны апублікавана
    публикувана публикувано публикуван објављено објавено objavljeno objavljen opublikowano dodano publikacji publikacja utworzono
    publikováno zveřejněno vydáno vytvořeno publikované zverejnené uverejnené pridané megjelent megjelenés közzétéve létrehozva publikálva
    yayınlanma yayınlandı yayımlanma yayımlandı eklenme giriş oluşturulma yayın dərc_edilib dərc_olunub yayımlanıb
    δημοσιεύτηκε δημοσιεύθηκε δημοσίευση δημοσίευσης publicerad publicerat offentliggjort publiceret udgivet publisert
    julkaistu avaldatud publicēts publicēta publicēšanas paskelbta publikuota publikuar botuar birt cyhoeddwyd foilsithe
    نشر نشرت النشر تاريخ_النشر كتب أضيف اضيفت الإضافة نشرت_في انتشار منتشر منتشر_شده تاریخ_انتشار شائع اشاعت تاریخ_اشاعت خپور
    פורסם פרסום תאריך_פרסום प्रकाशित प्रकाशन প্রকাশ প্রকাশিত প্রকাশের_সময় வெளியிடப்பட்டது เผยแพร่
    diterbitkan dipublikasikan terbit đăng xuất_bản 发布 发布时间 发布于 發布 發佈 發布時間 發佈時間 发表 发表时间 发表于
    公開 公開日 公開日時 掲載 掲載日 投稿 投稿日 配信 입력 등록 게시 게시일 발행 송고 승인 작성
    გამოქვეყნდა გამოქვეყნებულია հրապարակվել հրապարակված жарияланды жарияланған e'lon_qilindi e'lon_qilingan imechapishwa
""")
UPDATED = _folded("""
    updated update modified edited revised mis_à_jour mise_à_jour actualisé actualisée modifié modifiée modification
    actualizado actualizada actualización modificado modificada atualizado atualizada atualização
    aggiornato aggiornata aggiornamento modificato modificata actualitzat actualitzada actualització actualizat actualizată actualizare
    aktualisiert aktualisierung geändert bijgewerkt gewijzigd обновлено обновлена обновлён обновление обновления изменено изменения
    оновлено оновлена оновлення змінено абноўлена абноўлены обновено обновена обновен актуализирано актуализация
    ажурирано ažurirano ažuriranje posodobljeno zaktualizowano aktualizacja aktualizacji zmodyfikowano
    aktualizováno aktualizace aktualizované aktualizácia upraveno upravené frissítve frissült frissítés módosítva módosítás
    güncelleme güncellendi güncellenme yenilənib yenilənmə ενημέρωση ενημερώθηκε uppdaterad uppdaterat opdateret oppdatert endret
    päivitetty muokattu uuendatud muudetud atjaunots atjaunota atjaunināts atnaujinta përditësuar uppfært diweddarwyd
    تحديث التحديث تحديثه محدث حدث حدثت تعديل التعديل آخر_تحديث به‌روزرسانی بروزرسانی روز_رسانی ویرایش اپ_ڈیٹ اپڈیٹ
    עודכן עדכון अपडेट अद्यतन আপডেট হালনাগাদ புதுப்பிக்கப்பட்டது ปรับปรุง อัปเดต อัพเดท diperbarui dikemas_kini dikemaskini cập_nhật
    更新 更新时间 更新時間 更新于 更新於 更新日 更新日時 最終更新 最終更新日 修改 修改时间 最后更新 수정 최종수정 업데이트 갱신
    განახლდა განახლებულია թարմացվել թարմացված жаңартылды жаңартылған yangilandi yangilangan imesasishwa
""")
FILLERS = (
    _folded(
        # English, French, Spanish, Portuguese, Italian, German, Dutch
        "and und y e i и та і و u ماه ء "
        "on at the of date time by since first last release released last_update "
        "st nd rd th o'clock hrs hours h "
        "le à er de du heure heures dernière "
        "el a_las las del fecha hora horas em às as a les a_les última último ultima "
        "il alle ore del ultimo "
        "am um uhr den der stand zuletzt letzte op om uur laatst laatste kl kl. klo "
        # Russian, Ukrainian, Bulgarian, Serbian and others in Cyrillic
        "в г г. года год часов час ч ч. дата от о об р р. року рік на годин година године у последнее последна последње "
        "останнє жылы жылғы ж түні оны "
        # Polish, Czech, Turkish, Romanian and others in Latin letters
        "godz godz. o roku r r. dnia data v dne saat tarihi tarih la ora pe m d gada թ թ. է ostatnia ostatni poslední posledná son "
        "ob uri sati kell plkst plkst. ora orë më yil yili datum utolsó den senast sist seneste viimati ika ng noong ta' ko ел "
        # Arabic
        "تم في يوم الساعة الساعه بتاريخ تاريخ بتوقيت توقيت عند على من شهر سنة عام الموافق الموافقة آخر جرى بالتوقيت "
        "وقت التاريخ الوقت التوقيت ميلادي ميلادية "
        # Persian, Pashto, Urdu, Hebrew
        "ساعت تاریخ شده در به_روز به برابر با مطابق آخرین کال لمریز د بتاریخ بمطابق آخری گیا بجے "
        "בתאריך בשעה ב יום תאריך ה שעה אחרון "
        # Greek, Hindi, Bengali, Tamil, Vietnamese, Indonesian, Thai, Amharic
        "στις ώρα τελευταία को बजे किया गया तिथि समय तारीख अंतिम টায় সময় তারিখ শেষ மணி தேதி ngày lúc giờ năm pukul jam tanggal pada "
        "เวลา น. วันที่ ที่ พ.ศ. ค.ศ. เมื่อ ล่าสุด ቀን ዓ.ም እ.ኤ.አ "
        # Chinese, Japanese, Korean
        "时间 時間 日時 于 於 日付 시간 일시"
    )
    | PUBLISHED
    | UPDATED
)
HIJRI_MARKS = _folded("ه هـ ھ ہ هجري هجرية هجريه هجری ہجری قمری ah h hijri hijriyah hicri বঙ্গাব্দ")
"""Those of years that are not read: Hijri, Bengali."""
GREGORIAN_MARKS = _folded("م ميلادي ميلادية ميلاديه")
HOUR_WORDS = _folded("h hs hrs uhr heure heures ч ч. час часов часа год. hod. hod óra bajê")
"""After a bare number they make it an hour."""
_WORD = re.compile(WORD)


def says_update(folded: str) -> bool:
    """Whether a folded text says that a date is of an update."""
    found = _WORD.findall(folded)
    return any(" ".join(found[at : at + length]) in UPDATED for at in range(len(found)) for length in (1, 2, 3))


def is_label(folded: str) -> bool:
    """Whether a folded text holds nothing but what stands around dates."""
    found, at = _WORD.findall(folded), 0
    while at < len(found):
        length = next((length for length in (3, 2, 1) if " ".join(found[at : at + length]) in FILLERS), 0)
        if not length:
            return False
        at += length
    return True
