"""The pages: upload with every fault told, all of the protocol shown, signing from the screen, conflicts told."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import NOW, PASSWORD, code_now

from upturn.protocol import Distribution, load, shipped
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.errors import Refused
from upturn_clinic.programmes import actions
from upturn_clinic.programmes.criteria import HISTORY, criteria_of
from upturn_clinic.programmes.models import Programme, ProtocolVersion
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.programmes.reading import page, shipped_document
from upturn_clinic.programmes.schedule import schedule
from upturn_clinic.programmes.sizes import LARGEST_FILE

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]


@pytest.fixture
def clinician(colleague: User, log_in: LogIn) -> Client:
    return log_in(colleague)


def upload(client: Client, programme: Programme, text: str | bytes, name: str = "mine.yaml") -> str:
    content = text if isinstance(text, bytes) else text.encode()
    address = reverse("add_version", args=["main", programme.pk])
    return client.post(address, {"shipped": "", "file": SimpleUploadedFile(name, content)}).content.decode()


def test_from_nothing_to_a_draft(clinician: Client) -> None:
    begun = clinician.post(reverse("create_programme", args=["main"]), {"name": "Infusions", "purpose": ""})
    assert begun.status_code == 302
    chosen = clinician.post(begun["Location"], {"shipped": "esketamine-trd"})
    assert chosen.status_code == 302
    text = clinician.get(chosen["Location"]).content.decode()
    assert "A draft." in text
    assert load("esketamine-trd").title in text.replace("&#x27;", "'")
    assert "Sign it into force" in text


def test_a_programme_is_not_renamed_to_another_one(
    clinician: Client, programme: Programme, as_clinician: Actor
) -> None:
    other = actions.create_programme(name="Boosters", purpose="", by=as_clinician, at=timezone.now())
    address = reverse("change_programme", args=["main", other.pk])
    given = {"version": other.version, "name": programme.name.upper(), "purpose": "", "reason": "shorter"}
    page = clinician.post(address, given).content.decode()
    assert "There is a programme of this name here already." in page
    assert f'value="{programme.name.upper()}"' in page
    # Its own name is free to it, written in another way.
    assert clinician.post(address, {**given, "name": "boosters"}).status_code == 302
    other.refresh_from_db()
    assert other.name == "boosters"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_name_at_once_one_is_refused(as_clinician: Actor) -> None:
    begin, told = threading.Barrier(4), []

    def take() -> None:
        begin.wait()
        try:
            actions.create_programme(name="Infusions", purpose="", by=as_clinician, at=timezone.now())
        except Refused as refusal:
            told.append(refusal.fault)
        else:
            told.append("begun")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(told) == ["There is a programme of this name here already."] * 3 + ["begun"]


def test_an_uploaded_file_is_taken_to_the_letter(clinician: Client, programme: Programme) -> None:
    text = "# our remark\n" + shipped_document("single-infusion")[0]
    address = reverse("add_version", args=["main", programme.pk])
    answer = clinician.post(address, {"shipped": "", "file": SimpleUploadedFile("mine.yaml", text.encode())})
    assert answer.status_code == 302
    version = ProtocolVersion.objects.get()
    assert clinician.get(reverse("protocol_file", args=["main", version.pk])).content.decode() == text


def test_every_fault_of_a_file_is_told_with_its_line(clinician: Client, programme: Programme) -> None:
    text = shipped_document("six-infusions")[0].replace("fall: 0.5", "fall: half").replace("female: 0.6", "female: 6.0")
    told = upload(clinician, programme, text)
    assert "Not taken." in told
    for needed in ("expected:", "came:", "half", "6.0", "mine.yaml, line"):
        assert needed in told, needed
    assert not ProtocolVersion.objects.exists()


def test_what_is_no_protocol_is_refused_in_words(clinician: Client, programme: Programme) -> None:
    assert "too large for a protocol" in upload(clinician, programme, b"a" * (LARGEST_FILE + 1))
    assert "not text in UTF-8" in upload(clinician, programme, b"\xff\xfe\x00")
    assert "not well-formed YAML" in upload(clinician, programme, "a: [1\n")
    assert "&lt;script&gt;" in upload(clinician, programme, "id: <script>alert(1)</script>\n")
    address = reverse("add_version", args=["main", programme.pk])
    assert "one of the two" in clinician.post(address, {"shipped": ""}).content.decode()
    both = {"shipped": "six-infusions", "file": SimpleUploadedFile("x.yaml", b"a: 1")}
    assert "one of the two" in clinician.post(address, both).content.decode()
    assert not ProtocolVersion.objects.exists()


@pytest.mark.parametrize("name", shipped())
def test_everything_that_a_protocol_says_is_on_its_page(
    name: str, clinician: Client, programme: Programme, as_clinician: Actor
) -> None:
    protocol = load(name)
    document, file = shipped_document(name)
    version = actions.add_version(programme=programme, document=document, file=file, by=as_clinician, at=NOW)
    text = clinician.get(reverse("protocol_version", args=["main", version.pk])).content.decode()
    text = text.replace("&#x27;", "'").replace("&amp;", "&").replace("&gt;", ">").replace("&lt;", "<")
    wanted = [version.digest, protocol.title, protocol.notice]
    wanted += [each.title or each.id.replace("-", " ") for each in protocol.encounters]
    wanted += [each.instrument for each in protocol.assessments]
    wanted += [arm.title for arm in protocol.arms.values()]
    wanted += [str(dose.amount) for arm in protocol.arms.values() for dose in arm.doses if dose.amount.value]
    wanted += [each.text.strip() for each in protocol.gates]
    wanted += [" ".join(each.text.split()) for each in protocol.sources]
    if protocol.session:
        wanted += [measure for each in protocol.session.timepoints for measure in each.measures]
        wanted += [each.text.strip() for each in (*protocol.session.arrival, *protocol.session.discharge)]
    assert [each for each in wanted if each not in text] == []


def test_the_schedule_places_doses_and_ratings(in_force: ProtocolVersion) -> None:
    table = page(in_force).schedule
    # Tablets taken at home have no visit, and no empty column.
    assert table.arms == ("ketamine", "midazolam")
    assert table.instruments == ("MADRS", "CADSS", "PHQ-9")
    days = {visit.when: visit for visit in table.visits}
    assert [cell.told for cell in days["day 2"].given] == ["0.5 mg/kg", "0.045 mg/kg"]
    # Response is counted from it, and enrolment asks for it.
    assert [cell.told for cell in days["day −14"].rated] == ["baseline", "", ""]
    assert [cell.told for cell in days["day 0"].rated] == ["2 h, 4 h", "40 min, 2 h", ""]
    assert [cell.told for cell in days["day 1"].rated] == ["●", "", ""]
    assert [cell.told for cell in days["day 7"].rated] == ["●", "", "●"]
    assert days["day 28"].given[0].told == "0.5 mg/kg on relapse"
    assert days["day −14"].window == "14 days earlier to 12 days later"
    assert days["day 0"].window == "that day"
    assert days["day 1"].window == "that day, up to 12 h later"
    assert any("every day from day 0 to day 179" in each for each in table.between)


def test_what_counts_is_told_whole(in_force: ProtocolVersion, clinician: Client) -> None:
    shown = page(in_force)
    told = {each.name: each.told for each in shown.endpoints}
    assert (told["remission 10"], told["remission 12"]) == ("MADRS 10 or less", "MADRS 12 or less")
    assert told["sustained response"].endswith(
        "with at most 1 rating in between that falls short (still at least 25 % below baseline)"
    )
    assert shown.remissions == (
        "There are 2 definitions of remission, because studies draw the line at different scores. "
        "Each is counted by itself; no rule of this protocol rests on them."
    )
    address = reverse("protocol_version", args=["main", in_force.pk])
    assert shown.remissions in clinician.get(address).content.decode()


def test_of_remission_it_is_said_what_rests_on_it(programme: Programme, as_clinician: Actor) -> None:
    def told(number: int, *changes: tuple[str, str]) -> str:
        text = shipped_document("six-infusions")[0]
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return page(
            actions.add_version(programme=programme, document=text, file=f"{number}.yaml", by=as_clinician, at=NOW)
        ).remissions

    assert told(1, ("after: response", "after: remission")).endswith("a relapse can follow any of them.")
    second = "    - {id: remission-12, instrument: MADRS, at_most: 12, source: popova-2019, status: seen in source}\n"
    assert told(2, (second, "")) == ""


def test_everybody_is_asked_what_the_page_says(in_force: ProtocolVersion) -> None:
    shown = [each.criterion.id for each in page(in_force).gates]
    assert shown == [each.id for each in criteria_of(protocol_of(in_force))]
    assert shown[-1] == HISTORY


def test_nobody_is_asked_for_fewer_than_no_earlier_treatments() -> None:
    protocol = load("six-infusions")
    history = protocol.population.covariates["failed_trials"]
    assert isinstance(history, Distribution)
    none = {**protocol.population.covariates, "failed_trials": history.model_copy(update={"min": 0.0})}
    people = protocol.population.model_copy(update={"covariates": none})
    assert HISTORY not in [each.id for each in criteria_of(protocol.model_copy(update={"population": people}))]


def test_no_baseline_is_added_where_the_protocol_lists_one() -> None:
    table = schedule(load("belief-updating-study"))
    assert "baseline" not in {cell.told for visit in table.visits for cell in visit.rated}
    # Without a visit before the first dose it stands beside the visits.
    bare = load("six-infusions").model_copy(update={"encounters": load("six-infusions").encounters[1:]})
    assert "MADRS: once before the first dose" in schedule(bare).between


def test_rules_and_arms_name_their_sources_in_words(in_force: ProtocolVersion, clinician: Client) -> None:
    text = clinician.get(reverse("protocol_version", args=["main", in_force.pk])).content.decode()
    label = "Esketamine nasal spray, US prescribing information of March 2019"
    assert f'<a href="#source-esketamine-label">{label}</a>' in text
    assert ">esketamine-label<" not in text
    assert "(assumed: infusion-blood-pressure)" not in text
    # Every short name leads to a source at the foot of the page.
    wanted = set(re.findall('href="#source-([^"]+)"', text))
    assert wanted
    assert wanted <= set(re.findall('id="source-([^"]+)"', text))


def test_limits_have_units_and_what_the_clock_judges_is_not_asked_of_a_person(in_force: ProtocolVersion) -> None:
    rules = {each.key: each for group in page(in_force).rules for each in group.rules}
    told = {key: each.limits.replace("\N{NO-BREAK SPACE}", " ") for key, each in rules.items()}
    assert told["gates/blood-pressure-before"] == "SBP above 140 mmHg or DBP above 90 mmHg"
    assert told["gates/heart-rate"] == "HR above 130 per minute or HR below 45 per minute"
    assert told["discharge/oxygen"] == "not met with SpO2 down by more than 2 points since before the dose"
    assert told["discharge/minimum-stay"] == "2 h from the start of the dose, by the clock"
    assert told["discharge/walks"] == "a person answers"
    serious = rules["serious/report"]
    assert serious.text == "A serious event is reported to the sponsor and the ethics committee."
    assert (serious.limits, serious.asks) == (
        "every adverse event marked as serious", "a report within 24 h of when it became known",
    )  # fmt: skip
    groups = {group.section: group.has_asks for group in page(in_force).rules}
    assert (groups["discharge"], groups["monitoring"], groups["arrival"]) == (False, False, True)


def test_a_source_is_a_link_only_when_it_is_a_web_address(
    clinician: Client, programme: Programme, as_clinician: Actor
) -> None:
    document, file = shipped_document("six-infusions")
    evil = document.replace(
        "url: https://pmc.ncbi.nlm.nih.gov/articles/PMC10812090/table/T1", "url: javascript:alert(1)"
    )
    assert evil != document
    version = actions.add_version(programme=programme, document=evil, file=file, by=as_clinician, at=NOW)
    text = clinician.get(reverse("protocol_version", args=["main", version.pk])).content.decode()
    assert 'href="javascript' not in text
    assert "https://doi.org/10.1176/appi.ajp.2013.13030392" in text


def test_signing_from_the_screen(clinician: Client, draft: ProtocolVersion) -> None:
    address = reverse("put_into_force", args=["main", draft.pk])
    assert draft.digest in clinician.get(address).content.decode()
    wrong = clinician.post(address, {"version": 1, "password": "wrong", "code": code_now(), "takes_none": "on"})
    assert "not right" in wrong.content.decode()
    draft.refresh_from_db()
    assert draft.state == ProtocolVersion.State.DRAFT
    # A slip would leave a session without a single limit: who takes on none says so.
    given = {"version": 1, "password": PASSWORD, "code": code_now()}
    assert "You ticked no rule." in clinician.post(address, given).content.decode()
    both = {**given, "takes_none": "on", "take_gates": ["gates/heart-rate"]}
    assert "take one of the two back" in clinician.post(address, both).content.decode()
    draft.refresh_from_db()
    assert draft.state == ProtocolVersion.State.DRAFT
    answer = clinician.post(address, {**given, "takes_none": "on"})
    assert answer.status_code == 302
    text = clinician.get(answer["Location"]).content.decode()
    assert "In force" in text
    assert "digest holds" in text
    # What was not taken on is told beside it, not only far below.
    assert "rules of safety are examples that were not taken on" in text


def test_who_signs_what_was_retired_meanwhile_is_told(
    clinician: Client, programme: Programme, draft: ProtocolVersion, as_clinician: Actor
) -> None:
    actions.change_programme(
        programme=programme, version=1, values={"name": "First"}, reason="was first", by=as_clinician, at=NOW
    )
    address = reverse("change_programme", args=["main", programme.pk])
    answer = clinician.post(address, {"version": 1, "name": "Infusions", "purpose": "Other", "reason": "second"})
    assert answer.status_code == 409
    assert "Nothing was overwritten" in answer.content.decode()
    assert 'value="First"' in answer.content.decode()
    programme.refresh_from_db()
    assert (programme.name, programme.version) == ("First", 2)


def test_a_version_is_retired_from_the_screen(clinician: Client, in_force: ProtocolVersion) -> None:
    address = reverse("retire_version", args=["main", in_force.pk])
    given = {
        "version": in_force.version,
        "reason": "a trial changed our mind",
        "password": PASSWORD,
        "code": code_now(),
    }
    assert clinician.post(address, given).status_code == 302
    in_force.refresh_from_db()
    assert in_force.state == ProtocolVersion.State.RETIRED
    assert (
        "No protocol is in force"
        in clinician.get(reverse("programme", args=["main", in_force.programme_id])).content.decode()
    )


def test_another_facility_takes_it_up_on_its_own_page(
    clinician: Client, in_force: ProtocolVersion, elsewhere: Facility, make_person: Callable[..., User], log_in: LogIn
) -> None:
    there = log_in(make_person("Doctor", elsewhere, Role.CLINICIAN))
    assert there.get(reverse("programme", args=["elsewhere", in_force.programme_id])).status_code == 404
    offer = reverse("offer_programme", args=["main", in_force.programme_id])
    assert clinician.post(offer, {"facility": elsewhere.pk}).status_code == 302
    site = in_force.programme.sites.get(facility=elsewhere)
    text = there.get(reverse("programme", args=["elsewhere", in_force.programme_id])).content.decode()
    assert "Take it up" in text
    signed = there.post(
        reverse("take_up_programme", args=["elsewhere", site.pk]),
        {"version": 1, "password": PASSWORD, "code": code_now()},
    )
    assert signed.status_code == 302
    text = there.get(reverse("protocol_version", args=["elsewhere", in_force.pk])).content.decode()
    # The same moment by the clock of that facility, where it is the evening of the same day.
    assert "3 Mar 2026, 22:00" in text
    assert "Sign it into force" not in text
    left = there.post(
        reverse("leave_programme", args=["elsewhere", site.pk]), {"version": 2, "reason": "no room for sessions"}
    )
    assert left.status_code == 302
    text = there.get(reverse("programmes", args=["elsewhere"])).content.decode()
    assert "Ended at" in text
    assert "who takes part goes on" in text


def test_the_lead_takes_its_offer_back(
    in_force: ProtocolVersion, clinician: Client, elsewhere: Facility, make_person: Callable[..., User], log_in: LogIn
) -> None:
    there = log_in(make_person("Doctor", elsewhere, Role.CLINICIAN))
    clinician.post(reverse("offer_programme", args=["main", in_force.programme_id]), {"facility": elsewhere.pk})
    site = in_force.programme.sites.get(facility=elsewhere)
    path = reverse("leave_programme", args=["main", site.pk])
    assert path in clinician.get(reverse("programme", args=["main", in_force.programme_id])).content.decode()
    assert clinician.get(path).status_code == 200
    assert clinician.post(path, {"version": 1, "reason": "offered by mistake"}).status_code == 302
    # Never taken up: nobody can take part there, so nothing of it stays in their list.
    assert "There is none yet" in there.get(reverse("programmes", args=["elsewhere"])).content.decode()
    third = reverse("leave_programme", args=["elsewhere", in_force.programme.sites.get(facility__slug="main").pk])
    assert there.get(third).status_code == 404


def test_a_long_list_costs_no_query_per_programme(clinician: Client, as_clinician: Actor, facility: Facility) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert clinician.get(reverse("programmes", args=["main"])).status_code == 200
        return len(asked)

    actions.create_programme(name="First", purpose="", by=as_clinician, at=timezone.now())
    queries()
    few = queries()
    for number in range(10):
        actions.create_programme(name=f"Programme {number}", purpose="", by=as_clinician, at=timezone.now())
    assert queries() == few
