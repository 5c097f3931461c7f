"""What roles, categories and states are called: msgids, by their name in code."""

ROLE_WORDS = {
    "learner": "연수생",
    "course_manager": "과정관리강사",
    "instructor": "강사",
    "officer": "과정 담당자",
    "school_officer": "학교 연수 담당자",
    "institution_admin": "연수기관 관리자",
    "auditor": "감사자",
    "operator": "운영자",
}

GRANTABLE = (
    "course_manager",
    "instructor",
    "officer",
    "school_officer",
    "institution_admin",
    "auditor",
)
"""Roles that an institution gives; the operator's is given on the server's command line."""

FOR_A_RUN = ("course_manager", "instructor")
"""Roles that may be for one run."""

CATEGORIES = {
    "teacher": "교원",
    "education_specialist": "교육전문직",
    "local_official": "지방공무원",
    "education_worker": "교육공무직",
    "private_school_staff": "사립학교 직원",
    "outsider": "학부모·외부",
}

STATUSES = {"active": "재직", "leave": "휴직", "retired": "퇴직", "forgotten": "지움"}

HEAD = (
    "성명",
    "소속",
    "구분",
    "직급",
    "생년월일",
    "나이스 개인번호",
    "전자우편",
    "상태",
)
"""The columns of the sheet that can be taken away."""

POST_REASONS = {
    "joined": "임용",
    "transfer": "전보",
    "promotion": "승진",
    "leave": "휴직",
    "return": "복직",
    "retirement": "퇴직",
    "correction": "정정",
}
"""Why a post began."""
