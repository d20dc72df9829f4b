"""What a line is dropped for, and sentences that only begin or end like such lines. All lines are invented."""

from __future__ import annotations

import pytest

from newsflow.normalise.lines import why_dropped

SENTENCES = [
    # rights and cookies
    "Intellectual property rights and copyright were on the agenda of the council in Merrow.",
    "The treaty guarantees all rights of sailors, and tutti i diritti umani, said the visitor from Genoa.",
    "L'associazione difende tutti i diritti dei marinai e delle loro famiglie.",
    "Związek walczy o wszelkie prawa marynarzy do odpoczynku.",
    "Sendika denizcilerin tüm hakları için mücadele ediyor.",
    "طالب المجلس بضمان جميع الحقوق لبحارة الميناء قبل الشتاء.",
    "وقال الوزير إن حقوق الملكية الفكرية كانت على جدول الأعمال.",
    "מועצת הנמל דרשה את כל הזכויות למלחים לפני החורף.",
    "При использовании материалов дела суд допустил ошибку, считает адвокат рыбака.",
    "We use cookies as bait for crabs, said the baker of the harbour on Monday.",
    "The book may not be published without the consent of the harbour master, the court ruled.",
    # read also
    "Most popular among the visitors was the old lighthouse, which opened in May.",
    "Don't miss the boat, the mayor told those who had no ticket yet.",
    "Related news came from the islands, where the ferry lay idle for two days.",
    "المزيد من القوارب تعطلت مساء الثلاثاء بسبب العاصفة في الميناء.",
    "للمزيد من الأمان أغلقت السلطات الرصيف القديم يوم الاثنين.",
    "Популярное место отдыха закрыли на ремонт до конца лета.",
    "Другие новости пришли с островов, где паром стоял два дня.",
    "Más información llegó de las islas, donde el ferri no salió.",
    # promotion
    "Sigue habiendo mucha tensión en el puerto un año después de la tormenta.",
    "Siga o dinheiro, disse a presidente do conselho aos auditores.",
    "Suivez l'argent, a dit la présidente du conseil aux auditeurs.",
    "Follow the money, the chairwoman told the auditors of the harbour.",
    "Join the army or leave the island: that was the choice of many in 1916.",
    "Support our fishermen, the minister asked the bank on Tuesday.",
    "Sign up for swimming lessons rose by a third after the flood.",
    "Следите за руками, сказал фокусник на ярмарке в порту.",
    "تابعوا السفر رغم العاصفة، كما قال الناجون في الميناء.",
    # captions, sources, share bars
    "The harbour sold its pictures of the wall to Shutterstock.",
    "For ten years her photographs were sold by Getty Images.",
    "Sources - three of them - said that the wall will not be repaired this year.",
    "Print it.",
    "الجدار القديم سقط مساء الثلاثاء، كما تقول رويترز.",
]
FURNITURE = {
    "© 2024 Merrow Post. All rights reserved.": "footer",
    "© Copyright 2011-2019 Merrow Post": "footer",
    "جميع الحقوق محفوظة لبريد مرو": "footer",
    "Tutti i diritti riservati.": "footer",
    "Wszelkie prawa zastrzeżone.": "footer",
    "Tüm hakları saklıdır.": "footer",
    "כל הזכויות שמורות": "footer",
    "При использовании материалов сайта ссылка обязательна.": "footer",
    "This site uses cookies to improve your visit.": "footer",
    "We use cookies.": "footer",
    "This material may not be published, broadcast, rewritten or redistributed.": "footer",
    "Privacy policy | Terms of use": "footer",
    "Most popular": "read-also",
    "Related stories: Ferry lies idle": "read-also",
    "المزيد من الأخبار": "read-also",
    "Популярное": "read-also",
    "Читайте также: паром стоит второй день": "read-also",
    # Longer than any headline: the text that follows one has run into it.
    "Читайте также: паром стоит второй день Депутаты Меррова обсудили причал и три его моста и решили, что до весны "
    "их закроют для всех машин, кроме пожарных": None,
    "Lire aussi : le ferry à quai": "read-also",
    "Also on merrow.example Ferry lies idle for a second day": "read-also",
    "关联阅读": None,
    "相关阅读": "read-also",
    "Follow us on Telegram for more news from the harbour.": "promotion",
    "Follow the Merrow Post on Facebook.": "promotion",
    "Subscribe to our newsletter to get the tides every morning.": "promotion",
    "Подписывайтесь на наш канал в Telegram.": "promotion",
    "Suivez-nous sur Instagram.": "promotion",
    "تابعونا على تلغرام": "promotion",
    "لمتابعة الأخبار عبر واتساب": "promotion",
    "Sigue las noticias en nuestro boletín.": "promotion",
    "The wall on Tuesday. (AP Photo/Anna Reed)": "caption",
    "The wall on Tuesday (Getty Images)": "caption",
    "Photo: Anna Reed": "caption",
    "Source: Merrow Post": "source-line",
    "Quelle: dpa.": "source-line",
    "Facebook Twitter": "share-bar",
}  # fmt: skip


@pytest.mark.parametrize("line", SENTENCES)
def test_a_sentence_stays(line: str) -> None:
    assert why_dropped(line) is None


@pytest.mark.parametrize(("line", "why"), FURNITURE.items())
def test_what_speaks_of_the_site_goes(line: str, why: str | None) -> None:
    assert why_dropped(line) == why
