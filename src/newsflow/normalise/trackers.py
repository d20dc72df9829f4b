# ruff: noqa: E501, SIM905 - rows of words read best as rows
"""Which query parameters say where a reader came from, and nothing about the article."""

from __future__ import annotations

import re

_PREFIXES = re.compile(
    r"(?:utm|itm|mtm|pk|piwik|matomo|hsa|vero|oly|mkt|mc|ga|_ga|_hs|hs|ns|at|wt|wt\.|xtor|guce|fb|ml|sc|sk|stm|"
    r"dm_i|trk|tracking|campaign|sponsor|referr?er|ito|cm_mmc|s_kwcid|ef|adj|ads?|aff|affiliate|gad|spm|scm)[_.]",
)
_NAMES = frozenset(
    # click ids
    "fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid ysclid twclid ttclid igshid igsh li_fat_id mc_cid mc_eid "
    "fbc fbp zanpid wickedid irclickid rb_clickid _openstat scid srsltid epik rdt_cid sccid tduid vero_id vero_conv "
    # campaigns and places of a link
    "cmp cmpid cmpid2 campaign campaignid campaign_id icid ncid ocid scmpid smid smtyp smprod s_cid wt_mc wt_mc_o wt_zmc "
    "xtor xtref xts xtcr ref ref_ ref_src ref_url referer referrer source src sref sourceid traffic_source ito partner "
    "partnerid promo promoid promo_id mbid mod module_id feedtype feedname ftag ftcamp int_cmp intcmp intcid int_source "
    "share sharetype share_id shareid shared sharesource social soc_src soc_trk sr_share rss feed fsrc feature via "
    "from_rss originalreferer origref trk trkinfo tracking trackingid clickid click_id affid aff_id affiliate "
    "guccounter ga gi kw keyword_session emc email_source em_cid nl newsletter newsletterid recruiter cvid ocid2 pc form "
    # state of a reader, not of the page
    "phpsessid jsessionid sessionid session_id session sid aspsessionid _r _t _ts nocache cache cachebuster cb rnd rand "
    "random timestamp _ga _gl _gac _hsenc _hsmi _ke _kx _branch_match_id gaa_at gaa_n gaa_ts gaa_sig usg ved ei sa sca_esv "
    "print printable output outputtype platform mobile nomobile desktop amp __twitter_impression".split()
)
_VALUES = re.compile(
    r"(?:rss\d?|feed|twitter|facebook|fb|whatsapp|telegram|newsletter|email|social|share|homepage)", re.I
)
_BY_VALUE = frozenset(
    {"from", "s", "t", "cid", "eid", "ssm", "medium", "channel_source", "type", "view", "mode", "app"}
)


def is_tracker(name: str, value: str) -> bool:
    """Whether a parameter (its name in lower case) is one of tracking, session or presentation."""
    if name in _NAMES or _PREFIXES.match(name):
        return True
    return name in _BY_VALUE and _VALUES.fullmatch(value) is not None
