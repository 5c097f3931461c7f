"""Who stands in statements: agents, groups, identifiers, authorities (Data 2.4.2, 2.4.9)."""

from typing import Any

import pytest

from tests.xapi_rules import (
    AGENT_PLACES,
    GROUP_PLACES,
    MEMBER_PLACES,
    given_out,
    refused,
    taken,
    without,
)
from tests.xapi_samples import ACTIVITY, GROUP, MBOX, around, told

SHA1 = {"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"}
OPENID = {"openid": "https://id.example.kr/a"}
ACCOUNT = {"account": {"homePage": "https://example.kr/", "name": "13936749"}}
IDENTIFIERS = (MBOX, SHA1, OPENID, ACCOUNT)
EMPTY_VALUES: tuple[Any, ...] = (None, "", 1, True, [], {})


@pytest.mark.parametrize("place", AGENT_PLACES)
def test_an_agent_has_exactly_one_identifier_wherever_it_stands(place: str) -> None:
    for number, one in enumerate(IDENTIFIERS):
        statement, path = AGENT_PLACES[place](one)
        taken(statement)
        taken(AGENT_PLACES[place]({**one, "objectType": "Agent", "name": "가"})[0])
        two, _ = AGENT_PLACES[place]({**one, **IDENTIFIERS[number - 1]})
        refused(two, path)
    for none in ({}, {"name": "가"}, {"objectType": "Agent"}):
        refused(*AGENT_PLACES[place](none))


@pytest.mark.parametrize("place", AGENT_PLACES)
def test_an_identifier_has_its_form_wherever_it_stands(place: str) -> None:
    wrong = [
        *({"mbox": given} for given in (*EMPTY_VALUES, "a@example.kr", "mailto:", "mailto:a")),
        *({"mbox": given} for given in ("mailto:a b@example.kr", "mailto:a@b@c", "http://a/@b")),
        *({"mbox_sha1sum": given} for given in (*EMPTY_VALUES, "e" * 39, "e" * 41, "g" * 40)),
        *({"openid": given} for given in (*EMPTY_VALUES, "example.kr/a", "/a", "http://a b/")),
        *({"account": given} for given in (None, "", 1, [], {}, "a|b")),
        {"account": {"homePage": "https://example.kr/"}},
        {"account": {"name": "a"}},
        *({"account": {"homePage": given, "name": "a"}} for given in (*EMPTY_VALUES, "example.kr")),
        *(
            {"account": {"homePage": "https://example.kr/", "name": given}}
            for given in (None, 1, True, [], {})
        ),
        {"account": {"homepage": "https://example.kr/", "name": "a"}},
        {"account": {**ACCOUNT["account"], "extra": "a"}},
    ]
    for agent in wrong:
        statement, path = AGENT_PLACES[place](agent)
        refused(statement, f"{path}.{next(iter(agent))}")


@pytest.mark.parametrize("place", AGENT_PLACES)
def test_an_agent_has_no_other_properties_and_its_name_is_text(place: str) -> None:
    for more in ({"member": [MBOX]}, {"extra": 1}, {"Name": "가"}, {"mboxSha1sum": "e" * 40}):
        statement, path = AGENT_PLACES[place]({**MBOX, **more})
        refused(statement, path)
    for name in (None, 1, True, [], {}):
        statement, path = AGENT_PLACES[place]({**MBOX, "name": name})
        refused(statement, f"{path}.name")


@pytest.mark.parametrize("place", [*AGENT_PLACES, *GROUP_PLACES])
def test_the_type_of_an_actor_is_one_of_the_enumerated_in_its_very_case(place: str) -> None:
    made = (AGENT_PLACES | GROUP_PLACES)[place]
    for kind in ("agent", "AGENT", "group", "Person", "Activity", "", None, 1):
        statement, path = made({"member": [MBOX], **MBOX, "objectType": kind})
        refused(statement, path)


@pytest.mark.parametrize("place", GROUP_PLACES)
def test_an_anonymous_group_lists_its_members(place: str) -> None:
    taken(GROUP_PLACES[place](GROUP)[0])
    taken(GROUP_PLACES[place]({**GROUP, "name": "가", "member": [MBOX, SHA1, OPENID]})[0])
    for group in (
        {"objectType": "Group"},
        {"objectType": "Group", "name": "가"},
        {"objectType": "Group", "member": []},
    ):
        refused(*GROUP_PLACES[place](group))
    for member in (None, "", 1, {}, MBOX, [1], [None], ["mailto:a@example.kr"]):
        statement, path = GROUP_PLACES[place]({"objectType": "Group", "member": member})
        refused(statement, f"{path}.member")


@pytest.mark.parametrize("place", GROUP_PLACES)
def test_an_identified_group_has_exactly_one_identifier(place: str) -> None:
    for number, one in enumerate(IDENTIFIERS):
        for members in ({}, {"member": []}, {"member": [MBOX]}):
            taken(GROUP_PLACES[place]({"objectType": "Group", **one, **members})[0])
        two = {"objectType": "Group", **one, **IDENTIFIERS[number - 1], "member": [MBOX]}
        refused(*GROUP_PLACES[place](two))


@pytest.mark.parametrize("place", MEMBER_PLACES)
def test_members_are_agents_and_never_groups(place: str) -> None:
    for member in (GROUP, {"objectType": "Group", **MBOX}, {**MBOX, "member": []}, ACTIVITY):
        refused(*MEMBER_PLACES[place](member))


def test_a_group_says_that_it_is_one() -> None:
    refused(told(actor=without(GROUP, "objectType")), "$.actor")
    refused(told(object=without(GROUP, "objectType")), "$.object")
    refused(around(team=MBOX), "$.context.team")
    refused(around(team={**MBOX, "objectType": "Agent"}), "$.context.team")


def test_an_agent_or_group_as_object_says_its_type() -> None:
    for agent in (*IDENTIFIERS, GROUP, {**MBOX, "objectType": "Activity"}):
        refused(told(object=without(agent, "objectType")), "$.object")


def test_an_actor_is_an_object() -> None:
    for actor in (None, "", "mailto:a@example.kr", 1, True, [], [MBOX]):
        refused(told(actor=actor), "$.actor")
        refused(around(instructor=actor), "$.context.instructor")
        refused(around(team=actor), "$.context.team")


def test_an_authority_is_an_agent_or_a_group_of_two_agents() -> None:
    application = {"account": {"homePage": "https://example.kr/oauth/token", "name": "key"}}
    taken(told(authority={"objectType": "Group", "member": [application, MBOX]}))
    for group in (
        {"objectType": "Group", "member": [application]},
        {"objectType": "Group", "member": [application, MBOX, OPENID]},
        {"objectType": "Group", **MBOX},
        {"objectType": "Group", **MBOX, "member": [application, MBOX]},
        {"objectType": "Group", "member": [application, GROUP]},
        None,
        "",
        ACTIVITY,
    ):
        refused(told(authority=group), "$.authority")


def test_identifiers_that_know_no_case_are_found_under_one_key() -> None:
    assert given_out(told(actor={"mbox": "mailto:A@EXAMPLE.kr"})).actor == "mailto:A@example.kr"
    upper = {"mbox_sha1sum": SHA1["mbox_sha1sum"].upper()}
    assert given_out(told(actor=upper)).actor == given_out(told(actor=SHA1)).actor
    homes = ("https://example.kr/A", "https://example.kr/a")
    keys = {
        given_out(told(actor={"account": {"homePage": home, "name": name}})).actor
        for home in homes
        for name in ("a", "A")
    }
    assert len(keys) == 4
