"""Which query parameters say how a reader came to a page, and nothing about the page: a table, and what it says of one.

A rule of shape `any` is for names that are a tracker's and nobody's identifier. The names of the others are identifiers
elsewhere: such a parameter is *doubtful*, and is dropped only where its value has the tracker's shape, which is none of
an identifier's. In doubt a parameter stays: a copy too many is found by its text, an article too few is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

# ruff: noqa: E501, SIM905 - rows of words read best as rows


class Verdict(Enum):
    """What a parameter is."""

    KEPT = "kept"
    TRACKER = "tracker"
    DOUBTFUL = "doubtful"
    """Dropped by its value. Where articles turn out to differ in it, it counts."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`names` end with `*` for all that begin so. `hosts` and what is below them are where it holds; all if empty.
    `origin` says whose parameters these are, and which public lists have them."""

    names: str
    shape: str
    origin: str
    hosts: str = ""


# Shapes of values. All are given in lower case.

_PLACES = frozenset(
    # services
    "twitter tw tweet facebook fb instagram ig insta whatsapp wa telegram tg tme viber wechat weibo vk vkontakte "
    "odnoklassniki reddit linkedin pinterest youtube yt tiktok threads bluesky mastodon google googlenews gnews bing yahoo "
    "msn duckduckgo yandex yandexnews zen dzen baidu apple applenews flipboard pocket feedly smartnews newsbreak taboola "
    "outbrain hootsuite buffer dlvrit dlvr socialflow ifttt zapier chatgpt "
    # ways
    "rss atom feed feeds newsletter newsletters nl mail email emails mailing push notification notifications sms "
    "ios android iphone ipad mobile desktop pwa amp print share shared sharing sharebutton social socialmedia sm smm search "
    "serp organic referral affiliate syndication friends singlemessage groupmessage timeline permalink embed oembed emb player webview app "
    # places on a page
    "home homepage hp frontpage sidebar rail footer header menu nav navigation widget teaser ticker banner promo inline "
    "trending popular mostread mostviewed mostpopular related recommended recommendations recirc recirculation topnews "
    "topstories breakingnews hero carousel".split()
)
_WITH_PLACES = frozenset(
    "article story stories page news top most read viewed more lead pos position button btn link links click title logo "
    "box list left right bottom main web site text image img in on from the by of us uk en int daily weekly".split()
)
_WORDS = _PLACES | _WITH_PLACES
_SEPARATORS = re.compile(r"[-_.:+|~ ]|%20|%7c")
_CAMPAIGN = re.compile(r"([a-z]+)[_:|][a-z_:|]+[0-9]{0,2}")
_NUMBER_BEHIND = re.compile(r"[0-9]{1,2}$")
_HOST = re.compile(r"(?:https?://)?(?:[a-z0-9-]+\.)+(?!html?\b|php\b|aspx?\b|jsp\b|xml\b)[a-z]{2,12}/?")
_SESSION = re.compile(r"(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])[0-9a-z]{20,}")
_HEX = re.compile(r"(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,}")
_CODE = re.compile(r"(?![0-9a-f-]{6,}$)(?=[0-9]{0,12}[a-z])[0-9a-z_.:|+~^*()%/-]{2,}")


def _is_place(value: str) -> bool:
    words = {_NUMBER_BEHIND.sub("", part) for part in _SEPARATORS.split(value)} - {""}
    if (words <= _WORDS and not words.isdisjoint(_PLACES)) or _HOST.fullmatch(value):
        return True
    campaign = _CAMPAIGN.fullmatch(value)  # rss_markets_main; words with hyphens are a headline's
    return campaign is not None and campaign[1] in _PLACES


SHAPES: dict[str, Callable[[str], object]] = {
    "any": bool,
    "place": _is_place,
    "code": _CODE.fullmatch,
    "flag": re.compile(r"1|0|true|false|yes|no|y|n|on|off").fullmatch,
    "view": re.compile(r"(?:valid)?-?amp|amphtml|print(?:able|er|view)?|mobile|desktop|rss").fullmatch,
    "session": _SESSION.fullmatch,
    "gift": re.compile(r"[0-9a-z_-]{40,50}").fullmatch,
    "hex": _HEX.fullmatch,
    "friend": re.compile(r"(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,}|v2(?:/|%2f)[0-9a-f-]{36}").fullmatch,
    "random": re.compile(r"0\.[0-9]+").fullmatch,
    "milliseconds": re.compile(r"1[0-9]{12}").fullmatch,
    "dotted": re.compile(r"[0-9a-z_-]+(?:\.[0-9a-z_-]+){2,}").fullmatch,
    "digit": re.compile(r"[0-9]{1,2}").fullmatch,
    "url": re.compile(r"(?:https?:)?//.*|(?:https?%3a)?%2f%2f.*").fullmatch,
}
"""`code`: letters, with digits or without, as no number and no hash is. `flag`: a switch. `friend`: what Medium gives to a
friend. `place`: words for where a link stood, all known, or a bare host."""


# The table. Behind whose they are: public lists that have them, or some of them. A is AdGuard's URL tracking filter, B
# Brave's query filter, C ClearURLs, F Firefox's query stripping.

RULES = (
    Rule("utm_* _ga _gl _gac", "any", "Google Analytics; A B C"),
    Rule("ga_source ga_medium ga_term ga_content ga_campaign ga_place", "any", "Google Analytics; C"),
    Rule("gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid", "any", "Google Ads; A B C F"),
    Rule("usqp amp_js_v amp_gsa amp_markup __amp_source_origin gaa_at gaa_n gaa_ts gaa_sig", "any", "Google AMP and Showcase; A"),
    Rule("oc", "digit", "Google News"),
    Rule("ved ei usg sa sca_esv gs_l gs_lcp", "any", "Google; C", "google.com news.google.com"),
    Rule("fbclid fb_action_ids fb_action_types fb_ref fb_source fb_comment_id fb_news_token action_*_map hc_location hc_ref mibextid __tn__ __cft__* __xts__*", "any", "Facebook; A B C F"),
    Rule("igshid igsh", "any", "Instagram; B F"),
    Rule("msclkid", "any", "Microsoft Ads; A B C F"),
    Rule("form cvid pc ocid", "any", "Bing, MSN; C", "bing.com msn.com"),
    Rule("yclid ysclid _openstat", "any", "Yandex; A B C F"),
    Rule("twclid ref_src ref_url __twitter_impression", "any", "X; A B C F"),
    Rule("s t", "any", "X; C", "twitter.com x.com"),
    Rule("ttclid li_fat_id epik rdt_cid sccid", "any", "TikTok, LinkedIn, Pinterest, Reddit, Snapchat"),
    Rule("si feature pp ab_channel", "any", "YouTube; B C", "youtube.com youtu.be"),
    Rule("mc_cid mc_eid", "any", "Mailchimp; A B C F"),
    Rule("mc_id", "hex", "campaigns of mail"),
    Rule("_hsenc _hsmi hss_channel __hssc __hstc __hsfp hsctatracking hsa_*", "any", "HubSpot; A B C F"),
    Rule("mkt_tok", "any", "Marketo; A B C"),
    Rule("_ke _kx", "any", "Klaviyo; A B"),
    Rule("vero_id vero_conv", "any", "Vero; A B C F"),
    Rule("oly_anon_id oly_enc_id rb_clickid", "any", "Omeda and others; A B C F"),
    Rule("wickedid ml_subscriber ml_subscriber_hash", "any", "Wicked Reports, MailerLite; A B C F"),
    Rule("dm_i et_cid et_rid _bhlid ck_subscriber_id", "any", "dotdigital, Salesforce, beehiiv, ConvertKit; B"),
    Rule("bsft_* mindbox-* elqtrackid elqtrack", "any", "Blueshift, Mindbox, Eloqua; A B"),
    Rule("spmailingid spuserid spjobid spreportid", "any", "Silverpop"),
    Rule("trk_contact trk_msg trk_module trk_sid", "any", "Listrak"),
    Rule("__s", "session", "Drip; A B C F"),
    Rule("mtm_* matomo_* piwik_* pk_campaign pk_kwd pk_keyword pk_source pk_medium pk_content pk_cid pk_vid", "any",
         "Matomo; A B"),
    Rule("xtor xtref at_medium at_campaign* at_custom* at_link_* at_ptr_name at_bbc_team at_format at_creation at_variant "
         "at_network at_term at_detail_placement at_recipient_id at_recipient_list", "any", "AT Internet, Piano; A B"),
    Rule("ns_mchannel ns_source ns_campaign ns_linkname ns_fee", "any", "comScore"),
    Rule("wt_mc wt_mc_o wt_zmc wt.*", "any", "Mapp, Webtrends; A C"),
    Rule("s_cid s_kwcid ef_id", "any", "Adobe; A B C F"),
    Rule("cm_mmc* cm_me cm_cr", "any", "Acoustic; A"),
    Rule("itm_*", "any", "Parse.ly; A C"),
    Rule("_branch_match_id _branch_referrer adjust_* gps_adid", "any", "Branch, Adjust; A B"),
    Rule("guccounter guce_referrer guce_referrer_sig soc_src soc_trk sr_share", "any", "Yahoo, TechCrunch; A B C"),
    Rule("irclickid irgwc ir_campaignid ir_adid ir_partnerid tduid zanpid awc sscid clickid click_id", "any",
         "affiliate networks; A B"),
    Rule("dicbo oborigurl obclickid tblci", "any", "Outbrain, Taboola"),
    Rule("cx_click cx_recsorder cx_recswidget __io_lv _io_session_id _sgm_* nx_source", "any",
         "Cxense, IO Technologies, Segmentify; A"),
    Rule("unlocked_article_code smid smtyp smprod scmpid mbid segmentid sharetoken pwapi_token giftcopy", "any",
         "gifts and shares of news sites; C"),
    Rule("gift", "gift", "gifts of The Atlantic"),
    Rule("taid sref", "session", "shares of news sites"),
    Rule("sk", "friend", "Medium"),
    Rule("gi sh", "hex", "Medium, Forbes"),
    Rule("bxid cndid hasha hashb hashc wpisrc", "any", "newsletters of Condé Nast and the Washington Post"),
    Rule("spm scm", "dotted", "Alibaba; C"),
    Rule("hmb_* otm_* os_ehash echobox wtrid oft_* sc_customer sc_eh sc_uid ss_email_id ymclid unicorn_click_id vgo_ee", "any", "mailings and shares; A B C F"),
    Rule("dpg_* stm_* hootpostid wprov", "any", "DPG Media, smartocto, Hootsuite, Wikipedia; A"),
    Rule("isappinstalled wpmm", "flag", "WeChat, Washington Post"),
    Rule("r s triedredirect isfreemail", "any", "Substack", "substack.com"),
    Rule("m", "flag", "Blogger", "blogspot.com"),
    Rule("phpsessid jsessionid aspsessionid* cftoken", "any", "sessions of PHP, Java, ASP, ColdFusion"),
    Rule("sid session sessionid session_id", "session", "sessions of forums and shops"),
    Rule("nocache cachebuster", "any", "against caches"),
    Rule("_ _t _ts", "milliseconds", "against caches: jQuery"),
    Rule("cb rnd rand random", "random", "against caches: Math.random()"),
    Rule("cmpid icid ncid", "any", "campaigns of news sites; A C"),
    Rule("ocid intcmp intcid int_cmp int_source ftag ftcamp emc em_cid itid ito reflink leadsource tpcc", "code",
         "campaigns of news sites; A C"),
    Rule("cmp campaign campaign_id campaignid promo promoid promo_id ref ref_ source src via from medium channel origin "
         "channel_source origref cid partner partnerid share shared sharesource share_source sharetype share_type social "
         "feed feedname feedtype fsrc from_rss traffic_source mod module nl newsletter trk spref feature sourceid eid ssm "
         "sc_src", "place", "where a link stood; A C"),
    Rule("referrer referer originalreferer", "url", "where a reader was; C"),
    Rule("referrer referer", "place", "where a reader was; C"),
    Rule("print printable printerfriendly nomobile mobile desktop share shared amp isamp rss feed wap noredirect social",
         "flag", "another view of one page"),
    Rule("print amp view mode type format layout template output outputtype display device platform service app",
         "view", "another view of one page"),
)  # fmt: skip

_VALUELESS = frozenset("print printable amp amphtml mobile desktop rss feed share noredirect nocache".split())
"""Known without a value. Others, as `?harbour-wall`, may name a page."""
_Judge = tuple[Callable[[str], object], str, Verdict]


def _compiled() -> tuple[dict[str, list[_Judge]], re.Pattern[str]]:
    by_name: dict[str, list[_Judge]] = {}
    patterns = []
    for rule in RULES:
        verdict = Verdict.TRACKER if rule.shape == "any" else Verdict.DOUBTFUL
        for name in rule.names.split():
            if "*" in name:
                patterns.append(re.escape(name).replace(r"\*", ".*"))
            else:
                by_name.setdefault(name, []).append((SHAPES[rule.shape], rule.hosts, verdict))
    return by_name, re.compile("|".join(patterns))


_BY_NAME, _PATTERNS = _compiled()


def judge(name: str, value: str, host: str) -> Verdict:
    """What a parameter with this name and value is on pages of `host`."""
    name = name.lower()
    for shape, hosts, verdict in _BY_NAME.get(name, ()):
        if (not hosts or _is_below(host, hosts)) and value and shape(value.lower()):
            return verdict
    if _PATTERNS.fullmatch(name) or (not value and _is_tracker(name, host)):
        return Verdict.TRACKER
    return Verdict.TRACKER if not value and name in _VALUELESS else Verdict.KEPT


def _is_tracker(name: str, host: str) -> bool:
    return any(
        verdict is Verdict.TRACKER and (not hosts or _is_below(host, hosts))
        for _, hosts, verdict in _BY_NAME.get(name, ())
    )


def _is_below(host: str, hosts: str) -> bool:
    return any(host == each or host.endswith(f".{each}") for each in hosts.split())
