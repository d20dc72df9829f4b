"""The canonical URLs of release 0.1, by which articles in its ledgers are known."""

from __future__ import annotations

import re

from newsflow.model.url import canonical_host, recode, recode_plus, unwrapped, without_amp_tail

# ruff: noqa: E501, SIM905 - rows of words read best as rows

_PREFIXES = re.compile(
    r"(?:utm|itm|mtm|pk|piwik|matomo|hsa|vero|oly|mkt|mc|ga|_ga|_hs|hs|ns|at|wt|wt\.|xtor|guce|fb|ml|sc|sk|stm|"
    r"dm_i|trk|tracking|campaign|sponsor|referr?er|ito|cm_mmc|s_kwcid|ef|adj|ads?|aff|affiliate|gad|spm|scm)[_.]",
)
_NAMES = frozenset(
    "fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid ysclid twclid ttclid igshid igsh li_fat_id mc_cid mc_eid "
    "fbc fbp zanpid wickedid irclickid rb_clickid _openstat scid srsltid epik rdt_cid sccid tduid vero_id vero_conv "
    "cmp cmpid cmpid2 campaign campaignid campaign_id icid ncid ocid scmpid smid smtyp smprod s_cid wt_mc wt_mc_o wt_zmc "
    "xtor xtref xts xtcr ref ref_ ref_src ref_url referer referrer source src sref sourceid traffic_source ito partner "
    "partnerid promo promoid promo_id mbid mod module_id feedtype feedname ftag ftcamp int_cmp intcmp intcid int_source "
    "share sharetype share_id shareid shared sharesource social soc_src soc_trk sr_share rss feed fsrc feature via "
    "from_rss originalreferer origref trk trkinfo tracking trackingid clickid click_id affid aff_id affiliate "
    "guccounter ga gi kw keyword_session emc email_source em_cid nl newsletter newsletterid recruiter cvid ocid2 pc form "
    "phpsessid jsessionid sessionid session_id session sid aspsessionid _r _t _ts nocache cache cachebuster cb rnd rand "
    "random timestamp _ga _gl _gac _hsenc _hsmi _ke _kx _branch_match_id gaa_at gaa_n gaa_ts gaa_sig usg ved ei sa sca_esv "
    "print printable output outputtype platform mobile nomobile desktop amp __twitter_impression".split()
)
_BY_VALUE = frozenset("from s t cid eid ssm medium channel_source type view mode app".split())
_VALUES = re.compile(
    r"(?:rss\d?|feed|twitter|facebook|fb|whatsapp|telegram|newsletter|email|social|share|homepage)", re.I
)
_AMP_PARAMS = frozenset({"amp", "amp_markup", "amp_js_v", "amp_gsa", "usqp", "isamp"})
_REMOVED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\s]+")
_SAFE_PATH = "/!$&'()*+,;=:@~"
_MAY_DIFFER = re.compile(r"[?;#(\s]|[/.]amp", re.IGNORECASE)


def former_url(url: str) -> str | None:
    """The canonical form that release 0.1 gave a URL. None where it is the present one for sure, or was none."""
    if not _MAY_DIFFER.search(url):
        return None
    try:
        authority, path, query = unwrapped(_REMOVED.sub("", url).replace("&amp;", "&"))
        return f"http://{canonical_host(authority)}{_path(path)}{_query(query)}"
    except ValueError:
        return None


def _path(path: str) -> str:
    segments: list[str] = []
    for segment in recode(path, _SAFE_PATH).split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment not in ("", "."):
            segments.append(segment)
    joined = without_amp_tail("/" + "/".join(segments))
    return joined[4:] if joined.lower().startswith("/amp/") else joined


def _query(query: str) -> str:
    kept = set()
    for part in query.split("&"):
        name, _, value = part.partition("=")
        name, value = recode_plus(name), recode_plus(value)
        if not _is_noise(name, value):
            kept.add(f"{name}={value}" if value else name)
    return "?" + "&".join(sorted(kept)) if kept else ""


def _is_noise(name: str, value: str) -> bool:
    lowered = name.lower()
    if lowered in _NAMES or _PREFIXES.match(lowered):
        return True
    if not value:
        return not any(map(str.isdigit, name))
    if lowered in _BY_VALUE and _VALUES.fullmatch(value):
        return True
    return lowered in _AMP_PARAMS or value.lower() == "amp"
