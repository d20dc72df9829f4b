"""Pages that are no article, invented in ten languages; short articles about such pages; and every labelled page, none of
which may be refused."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from html import escape
from pathlib import Path

from .labelled import read_lines
from .scoreboard import Row

# ruff: noqa: E501 - rows of words read best as rows

RECALL, PRECISION = 0.9, 0.99
Page = tuple[str, str, tuple[str, ...]]
"""Title element, heading, paragraphs."""
SITE = "Merrow Post"

BLOCKED: dict[str, Page] = {
    "en": (
        "Just a moment...",
        "merrow.example",
        (
            "Verify you are human by completing the action below.",
            "merrow.example needs to review the security of your connection before proceeding.",
            "Ray ID: 8f2a11c0",
        ),
    ),
    "de": (
        "Zugriff verweigert",
        "Zugriff verweigert",
        (
            "Ihr Zugriff auf diese Seite wurde aus Sicherheitsgründen gesperrt.",
            "Bitte aktivieren Sie JavaScript und Cookies und laden Sie die Seite neu.",
            "Ihre IP: 192.0.2.1",
        ),
    ),
    "fr": (
        "Un instant…",
        "Vérification de sécurité",
        ("Veuillez confirmer que vous n'êtes pas un robot.", "Activez JavaScript et les cookies pour continuer."),
    ),
    "es": (
        "Acceso denegado",
        "Acceso denegado",
        ("Usted no tiene permiso para acceder a esta página.", "Su dirección IP ha sido registrada."),
    ),
    "pt": (
        "Um momento, por favor",
        "Verificação de segurança",
        ("Estamos verificando o seu navegador antes de abrir o site.", "Ative o JavaScript para continuar."),
    ),
    "it": (
        "Accesso negato",
        "Accesso negato",
        ("Non hai il permesso di visualizzare questa pagina.", "Conferma di essere una persona per continuare."),
    ),
    "ru": (
        "Доступ ограничен",
        "Доступ ограничен",
        ("Подтвердите, что вы не робот.", "Ваш IP-адрес отправил слишком много запросов."),
    ),
    "ar": (
        "لحظة من فضلك",
        "التحقق من المتصفح",
        ("جارٍ التحقق من متصفحك قبل الدخول إلى الموقع.", "يرجى تفعيل جافا سكريبت للمتابعة."),
    ),
    "tr": (
        "Erişim engellendi",
        "Erişim engellendi",
        ("Lütfen robot olmadığınızı doğrulayın.", "IP adresiniz kaydedildi."),
    ),
    "pl": (
        "Odmowa dostępu",
        "Odmowa dostępu",
        ("Potwierdź, że nie jesteś robotem.", "Włącz obsługę JavaScript w przeglądarce."),
    ),
}
MISSING: dict[str, Page] = {
    "en": (
        f"Page not found | {SITE}",
        "404",
        (
            "Sorry, the page you were looking for does not exist or has been moved.",
            "Try a search, or go back to the front page.",
        ),
    ),
    "de": (
        f"Seite nicht gefunden – {SITE}",
        "Fehler 404",
        ("Die gewünschte Seite existiert leider nicht mehr oder wurde verschoben.", "Zurück zur Startseite"),
    ),
    "fr": (
        f"404 - Page introuvable | {SITE}",
        "Page introuvable",
        ("La page que vous cherchez a été déplacée ou n'existe plus.", "Retour à l'accueil"),
    ),
    "es": (
        f"Página no encontrada - {SITE}",
        "¡Ups!",
        ("Lo sentimos, la página que busca no está disponible.", "Volver al inicio"),
    ),
    "pt": (
        f"Página não encontrada | {SITE}",
        "Erro 404",
        ("Desculpe, a página que procura não existe ou mudou de endereço.",),
    ),
    "it": (
        f"Pagina non trovata | {SITE}",
        "Errore 404",
        ("La pagina che stai cercando non esiste più oppure è stata spostata.", "Torna alla home"),
    ),
    "ru": (
        f"Страница не найдена | {SITE}",
        "Ошибка 404",
        ("К сожалению, запрашиваемая страница не существует или была удалена.", "Вернуться на главную"),
    ),
    "ar": (
        "الصفحة غير موجودة | بريد مرو",
        "خطأ 404",
        ("عذراً، الصفحة التي تبحث عنها غير موجودة أو تم نقلها.", "العودة إلى الصفحة الرئيسية"),
    ),
    "tr": (
        f"Sayfa bulunamadı | {SITE}",
        "404",
        ("Üzgünüz, aradığınız sayfa taşınmış veya silinmiş olabilir.", "Ana sayfaya dön"),
    ),
    "pl": (
        f"Nie znaleziono strony | {SITE}",
        "Błąd 404",
        ("Przepraszamy, strona, której szukasz, nie istnieje albo została przeniesiona.",),
    ),
}
LOGIN: dict[str, Page] = {
    "en": (
        f"Log in | {SITE}",
        "Log in",
        ("Email address", "Password", "Forgot your password?", "Don't have an account? Register now"),
    ),
    "de": (f"Anmelden | {SITE}", "Anmelden", ("Bitte melden Sie sich an, um weiterzulesen.", "Passwort vergessen?")),
    "fr": (f"Connexion - {SITE}", "Se connecter", ("Adresse e-mail", "Mot de passe", "Mot de passe oublié ?")),
    "es": (
        f"Iniciar sesión | {SITE}",
        "Iniciar sesión",
        ("Correo electrónico", "Contraseña", "¿Olvidó su contraseña?"),
    ),
    "pt": (f"Entrar | {SITE}", "Fazer login", ("Senha", "Esqueceu a senha?")),
    "it": (f"Accedi | {SITE}", "Accedi", ("Nome utente", "Password", "Hai dimenticato la password?")),
    "ru": (f"Вход | {SITE}", "Войти", ("Логин", "Пароль", "Забыли пароль?")),
    "ar": ("تسجيل الدخول | بريد مرو", "تسجيل الدخول", ("اسم المستخدم", "كلمة المرور", "هل نسيت كلمة المرور؟")),
    "tr": (f"Giriş Yap | {SITE}", "Giriş Yap", ("Kullanıcı adı", "Şifre", "Şifremi unuttum")),
    "pl": (f"Logowanie | {SITE}", "Zaloguj się", ("Nazwa użytkownika", "Hasło", "Nie pamiętasz hasła?")),
}
CONSENT: dict[str, Page] = {
    "en": (
        SITE,
        "We value your privacy",
        (
            "We and our 214 partners store and access information on your device, such as cookies.",
            "If you click Accept all, you agree to this. You can change your choices at any time.",
            "Accept all",
            "Manage options",
        ),
    ),
    "de": (
        f"Zustimmung – {SITE}",
        "Bevor Sie fortfahren",
        (
            "Wir und unsere 214 Partner speichern Informationen auf Ihrem Gerät, etwa Cookies.",
            "Mit einem Klick auf Alle akzeptieren stimmen Sie zu.",
            "Sie können Ihre Einwilligung jederzeit widerrufen.",
        ),
    ),
    "fr": (
        SITE,
        "Le respect de votre vie privée est notre priorité",
        (
            "Nous et nos 214 partenaires stockons des informations sur votre appareil.",
            "En cliquant sur Tout accepter, vous donnez votre accord.",
            "Continuer sans accepter",
        ),
    ),
    "es": (
        SITE,
        "Valoramos su privacidad",
        (
            "Nosotros y nuestros 214 socios almacenamos información en su dispositivo.",
            "Al hacer clic en Aceptar todo, da su consentimiento.",
            "Aceptar todo",
        ),
    ),
    "pt": (
        SITE,
        "Valorizamos a sua privacidade",
        (
            "Nós e os nossos 214 parceiros guardamos informação no seu dispositivo.",
            "Ao clicar em Aceitar tudo, dá o seu acordo.",
            "Aceitar tudo",
        ),
    ),
    "it": (
        SITE,
        "Prima di continuare",
        (
            "Noi e i nostri 214 partner conserviamo informazioni sul tuo dispositivo.",
            "Cliccando su Accetta tutto dai il tuo consenso.",
            "Accetta tutto",
        ),
    ),
    "ru": (
        SITE,
        "Прежде чем продолжить",
        (
            "Мы используем файлы cookie и похожие технологии.",
            "Нажимая «Принять все», вы соглашаетесь с этим.",
            "Принять все",
        ),
    ),
    "ar": (
        "بريد مرو",
        "قبل المتابعة",
        (
            "نستخدم ملفات تعريف الارتباط لتحسين تجربتك على الموقع.",
            "بالنقر على قبول الكل فإنك توافق على ذلك.",
            "قبول الكل",
        ),
    ),
    "tr": (
        SITE,
        "Devam etmeden önce",
        (
            "Çerezleri kullanıyoruz ve ortaklarımızla paylaşıyoruz.",
            "Tümünü kabul et düğmesine tıklayarak onay vermiş olursunuz.",
            "Tümünü kabul et",
        ),
    ),
    "pl": (
        SITE,
        "Szanujemy Twoją prywatność",
        (
            "My i nasi 214 partnerzy przechowujemy informacje na Twoim urządzeniu.",
            "Klikając Zaakceptuj wszystko, wyrażasz zgodę.",
            "Zaakceptuj wszystko",
        ),
    ),
}
HEADLINES: dict[str, tuple[str, ...]] = {
    "en": (
        "Harbour wall to be repaired",
        "Ferry sails twice a day",
        "Council raises mooring fees",
        "Lighthouse opens to visitors",
    ),
    "de": (
        "Hafenmauer wird erneuert",
        "Fähre fährt zweimal am Tag",
        "Rat erhöht die Liegegebühren",
        "Leuchtturm öffnet für Besucher",
    ),
    "fr": (
        "Le mur du port sera réparé",
        "Le ferry part deux fois par jour",
        "Le conseil relève les droits d'amarrage",
        "Le phare ouvre aux visiteurs",
    ),
    "es": (
        "Reparan el muro del puerto",
        "El ferri sale dos veces al día",
        "El consejo sube las tasas de amarre",
        "El faro abre a los visitantes",
    ),
    "pt": (
        "O muro do porto será reparado",
        "O barco parte duas vezes por dia",
        "O conselho aumenta as taxas",
        "O farol abre aos visitantes",
    ),
    "it": (
        "Il muro del porto sarà riparato",
        "Il traghetto parte due volte al giorno",
        "Il consiglio alza le tariffe",
        "Il faro apre ai visitatori",
    ),
    "ru": (
        "Стену порта починят",
        "Паром ходит дважды в день",
        "Совет поднял сборы за стоянку",
        "Маяк открыт для гостей",
    ),
    "ar": ("ترميم جدار الميناء", "العبارة تبحر مرتين يومياً", "المجلس يرفع رسوم الإرساء", "المنارة تفتح أبوابها للزوار"),
    "tr": (
        "Liman duvarı onarılacak",
        "Feribot günde iki kez kalkıyor",
        "Meclis bağlama ücretini artırdı",
        "Deniz feneri ziyarete açıldı",
    ),
    "pl": (
        "Mur portu zostanie naprawiony",
        "Prom pływa dwa razy dziennie",
        "Rada podnosi opłaty za cumowanie",
        "Latarnia otwarta dla gości",
    ),
}
ABOUT: dict[str, tuple[Page, ...]] = {
    "en": (
        (
            "Cloudflare outage takes ferry sites down",
            "Cloudflare outage takes ferry sites down",
            (
                'Travellers saw the line "Checking your browser" for two hours on Monday, when Cloudflare failed.',
                "The ferry company said that bookings made by telephone were not touched.",
            ),
        ),
        (
            "Access denied",
            "Access denied",
            (
                "The old gate of the harbour stayed shut on Sunday, and four hundred visitors went home without a look at the wall.",
                "The council had lost the key, said its chairwoman, who was shown a photograph of it in a fish shop window.",
                "A locksmith from the islands is to come on Thursday with the evening ferry, if the weather lets him.",
                "Until then the tour begins at the lighthouse, where tickets cost three crowns, and children enter free of charge.",
            ),
        ),
    ),
    "de": (
        (
            "Hafen backt Cookies für die Mauer",
            "Hafen backt Cookies für die Mauer",
            (
                "Wir verwenden Cookies, um Geld zu sammeln, sagte die Bäckerin von Merrow am Montag und lachte.",
                "Vierhundert Stück wurden am Kai verkauft, der Erlös geht an die Mauer.",
            ),
        ),
    ),
    "fr": (
        (
            "Page introuvable : un roman retrouvé au port",
            "Page introuvable : un roman retrouvé au port",
            (
                "La page que l'on croyait perdue du journal du phare a été retrouvée lundi dans une malle.",
                "Elle sera montrée au musée dès la semaine prochaine.",
            ),
        ),
    ),
    "es": (
        (
            "Error 404, la exposición que no se encuentra",
            "Error 404, la exposición que no se encuentra",
            (
                "El museo del puerto abre el lunes una muestra sobre páginas perdidas de la red.",
                "La entrada es libre y el muro del puerto sirve de pantalla.",
            ),
        ),
    ),
    "pt": (
        (
            "Senhas fracas em metade dos barcos",
            "Senhas fracas em metade dos barcos",
            (
                "Metade dos barcos do porto usa a mesma senha para o rádio, disse o conselho na segunda-feira.",
                "Um curso gratuito começa em maio.",
            ),
        ),
    ),
    "it": (
        (
            "Accesso negato ai traghetti",
            "Accesso negato ai traghetti",
            (
                "Il porto ha chiuso l'accesso ai traghetti per due giorni, ha detto il consiglio lunedì sera.",
                "I passeggeri partiranno da un molo vicino.",
            ),
        ),
    ),
    "ru": (
        (
            "Ошибка 404: как теряются страницы",
            "Ошибка 404: как теряются страницы",
            (
                "Музей порта открыл в понедельник выставку о потерянных страницах сети.",
                "Вход свободный, экраном служит старая стена.",
            ),
        ),
    ),
    "ar": (
        (
            "قبل المتابعة: كتاب جديد عن الخصوصية",
            "قبل المتابعة: كتاب جديد عن الخصوصية",
            (
                "صدر في مرو يوم الاثنين كتاب جديد عن ملفات تعريف الارتباط وما تعرفه المواقع عن قرائها.",
                "وقالت المؤلفة إن الكتاب موجه إلى الشباب أولاً.",
            ),
        ),
    ),
    "tr": (
        (
            "Çerezler limanda satıldı",
            "Çerezler limanda satıldı",
            (
                "Limandaki fuarda dört yüz paket çerez satıldı ve gelir duvarın onarımına ayrıldı.",
                "Fuar pazartesi günü sona erecek.",
            ),
        ),
    ),
    "pl": (
        (
            "Odmowa dostępu do portu trwa",
            "Odmowa dostępu do portu trwa",
            (
                "Rada portu w Merrow zamknęła nabrzeże na dwa dni z powodu naprawy muru.",
                "Pasażerowie wypłyną z sąsiedniej przystani.",
            ),
        ),
    ),
}
FURNITURE = '<header><a href="/">Home</a> <a href="/login">Log in</a> <a href="/search">Search</a></header>'
FOOTER = '<footer><a href="/privacy">Privacy policy</a> <a href="/terms">Terms of use</a></footer>'


def refused_pages() -> Iterator[tuple[str, str, str]]:
    """Kind, language and page."""
    for kind, pages in (
        ("block page", BLOCKED),
        ("error page", MISSING),
        ("log-in wall", LOGIN),
        ("consent wall", CONSENT),
    ):
        for language, page in pages.items():
            yield kind, language, _page(language, *page)
    for language, headlines in HEADLINES.items():
        teasers = "".join(
            f'<div class="card"><h3><a href="/{number}">{escape(headlines[number % 4])} {number}</a></h3>'
            f"<p>{escape(headlines[(number + 1) % 4])}, {escape(headlines[(number + 2) % 4])}. {number}.</p></div>"
            for number in range(12)
        )
        yield "list of teasers", language, _page(language, SITE, SITE, (), teasers)


def articles_about_them() -> Iterator[tuple[str, str]]:
    """Language and page, of articles without any metadata."""
    for language, pages in ABOUT.items():
        for page in pages:
            yield language, _page(language, *page)


def _page(language: str, title: str, heading: str, paragraphs: tuple[str, ...], more: str = "") -> str:
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    return (
        f'<html lang="{language}"><head><title>{escape(title)}</title></head><body>{FURNITURE}<main><h1>{escape(heading)}</h1>'
        f"{body}{more}</main>{FOOTER}</body></html>"
    )


def evaluate_refusals(data: Path) -> Iterator[Row]:
    """How many of the invented pages are told, and how many articles stay: invented ones and those of `data/pages`."""
    if not (data / "pages").is_dir():
        return
    from newsflow.normalise import extract_html

    pages = list(refused_pages())
    missed = tuple(f"{kind}, {language}" for kind, language, page in pages if not extract_html(page, None).refused)
    yield Row("no article", "invented pages told", 1 - len(missed) / len(pages), len(pages), RECALL, "", missed)
    about = list(articles_about_them())
    lost = tuple(f"{language}: {found}" for language, page in about if (found := extract_html(page, None).refused))
    yield Row(
        "no article", "articles about such pages stay", 1 - len(lost) / len(about), len(about), PRECISION, "", lost
    )
    labelled = [(path, row) for path in sorted((data / "pages").glob("*.jsonl")) for row in read_lines(path)]
    wrong = tuple(
        f"{row['id']}: {found}"
        for path, row in labelled
        if (found := extract_html(gzip.decompress((path.parent / row["file"]).read_bytes()), row["url"]).refused)
    )
    yield Row(
        "no article", "labelled pages stay", 1 - len(wrong) / max(1, len(labelled)), len(labelled), PRECISION, "", wrong
    )
