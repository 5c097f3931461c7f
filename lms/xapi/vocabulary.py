"""Verbs, activity types and extensions that Ieum says, from published profiles where they exist.

cmi5: «cmi5 Specification Profile for xAPI» 9.3; video: «xAPI Video Profile» 1.0.3; the rest: ADL's
vocabulary and TinCan registry.
"""

# Verbs
INITIALIZED = "http://adlnet.gov/expapi/verbs/initialized"
LAUNCHED = "http://adlnet.gov/expapi/verbs/launched"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
PASSED = "http://adlnet.gov/expapi/verbs/passed"
FAILED = "http://adlnet.gov/expapi/verbs/failed"
TERMINATED = "http://adlnet.gov/expapi/verbs/terminated"
ABANDONED = "https://w3id.org/xapi/adl/verbs/abandoned"
SATISFIED = "https://w3id.org/xapi/adl/verbs/satisfied"
WAIVED = "https://w3id.org/xapi/adl/verbs/waived"
EXPERIENCED = "http://adlnet.gov/expapi/verbs/experienced"
ATTEMPTED = "http://adlnet.gov/expapi/verbs/attempted"
ATTENDED = "http://adlnet.gov/expapi/verbs/attended"
ANSWERED = "http://adlnet.gov/expapi/verbs/answered"
PROGRESSED = "http://adlnet.gov/expapi/verbs/progressed"
SCORED = "http://adlnet.gov/expapi/verbs/scored"
REGISTERED = "http://adlnet.gov/expapi/verbs/registered"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
PLAYED = "https://w3id.org/xapi/video/verbs/played"
PAUSED = "https://w3id.org/xapi/video/verbs/paused"
SEEKED = "https://w3id.org/xapi/video/verbs/seeked"

# Activity types
TYPE_COURSE = "http://adlnet.gov/expapi/activities/course"
TYPE_MODULE = "http://adlnet.gov/expapi/activities/module"
TYPE_LESSON = "http://adlnet.gov/expapi/activities/lesson"
TYPE_ASSESSMENT = "http://adlnet.gov/expapi/activities/assessment"
TYPE_QUESTION = "http://adlnet.gov/expapi/activities/question"
TYPE_INTERACTION = "http://adlnet.gov/expapi/activities/cmi.interaction"
TYPE_MEDIA = "http://adlnet.gov/expapi/activities/media"
TYPE_FILE = "http://adlnet.gov/expapi/activities/file"
TYPE_MEETING = "http://adlnet.gov/expapi/activities/meeting"
TYPE_PROFILE = "http://adlnet.gov/expapi/activities/profile"
TYPE_VIDEO = "https://w3id.org/xapi/video/activity-type/video"
TYPE_PAGE = "http://activitystrea.ms/schema/1.0/page"
TYPE_DOCUMENT = "http://id.tincanapi.com/activitytype/document"

# Profiles, said as context activities of category
PROFILE_VIDEO = "https://w3id.org/xapi/video"
PROFILE_CMI5 = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
PROFILE_MOVE_ON = "https://w3id.org/xapi/cmi5/context/categories/moveon"

# Extensions of results
EXT_PROGRESS = "https://w3id.org/xapi/video/extensions/progress"
"""0 to 1: the part of the video that was watched."""

EXT_TIME = "https://w3id.org/xapi/video/extensions/time"
EXT_TIME_FROM = "https://w3id.org/xapi/video/extensions/time-from"
EXT_TIME_TO = "https://w3id.org/xapi/video/extensions/time-to"
EXT_SEGMENTS = "https://w3id.org/xapi/video/extensions/played-segments"
"""«0[.]12.5[,]20[.]31»: seconds from and to of each part that was played."""

# Extensions of contexts
EXT_SESSION = "https://w3id.org/xapi/video/extensions/session-id"
EXT_LENGTH = "https://w3id.org/xapi/video/extensions/length"
EXT_THRESHOLD = "https://w3id.org/xapi/video/extensions/completion-threshold"
EXT_SPEED = "https://w3id.org/xapi/video/extensions/speed"
EXT_DEVICE = "https://w3id.org/xapi/video/extensions/user-agent"

DISPLAY = {
    INITIALIZED: {"en": "initialized", "ko": "시작함"},
    LAUNCHED: {"en": "launched", "ko": "열었음"},
    COMPLETED: {"en": "completed", "ko": "마쳤음"},
    PASSED: {"en": "passed", "ko": "통과함"},
    FAILED: {"en": "failed", "ko": "통과하지 못함"},
    TERMINATED: {"en": "terminated", "ko": "끝냄"},
    ABANDONED: {"en": "abandoned", "ko": "그만둠"},
    SATISFIED: {"en": "satisfied", "ko": "충족함"},
    WAIVED: {"en": "waived", "ko": "면제됨"},
    EXPERIENCED: {"en": "experienced", "ko": "보았음"},
    ATTEMPTED: {"en": "attempted", "ko": "해 보았음"},
    ATTENDED: {"en": "attended", "ko": "참석함"},
    ANSWERED: {"en": "answered", "ko": "답함"},
    PROGRESSED: {"en": "progressed", "ko": "나아감"},
    SCORED: {"en": "scored", "ko": "점수를 받음"},
    REGISTERED: {"en": "registered", "ko": "신청함"},
    VOIDED: {"en": "voided", "ko": "무효로 함"},
    PLAYED: {"en": "played", "ko": "재생함"},
    PAUSED: {"en": "paused", "ko": "멈춤"},
    SEEKED: {"en": "seeked", "ko": "옮겨 감"},
}
"""What a verb shows to people; its meaning is its IRI alone (Data 2.4.3)."""
