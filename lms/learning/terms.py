"""The institute's words for kinds of training and ways of delivery (msgids)."""

KINDS = {
    "qualification": "자격연수",
    "in_service": "직무연수",
    "special": "특별연수",
    "basic": "기본교육",
    "professional": "전문교육",
    "other": "기타교육",
    "duty": "의무교육",
}
MODES = {
    "self_paced": "비실시간 원격",
    "live": "실시간 쌍방향 원격",
    "classroom": "집합",
    "blended": "혼합",
}
