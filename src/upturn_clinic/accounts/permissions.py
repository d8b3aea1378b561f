"""What may be done, in words, and which role may do it. One table; a page names one permission, never a role."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from upturn.errors import CannotError

__all__ = ["EMERGENCY", "ROLES", "TELLS_OF_DOSES", "Permission", "Role", "may_break_glass"]


class Role(StrEnum):
    """The roles of a programme; a person has one or more at each facility."""

    ADMINISTRATOR = "administrator"
    CLINICIAN = "clinician"
    SESSION_NURSE = "session nurse"
    RATER = "rater"
    PHARMACIST = "pharmacist"
    COORDINATOR = "coordinator"
    ANALYST = "analyst"
    PARTICIPANT = "participant"

    @property
    def description(self) -> str:
        """Say in one line what the role is for."""
        return _ROLE_DESCRIPTIONS[self]


_ROLE_DESCRIPTIONS: Mapping[Role, str] = {
    Role.ADMINISTRATOR: "looks after the facility and its people; sees no clinical record",
    Role.CLINICIAN: "responsible for treatment: screens, consents, decides, signs",
    Role.SESSION_NURSE: "runs the treatment sessions and records them",
    Role.RATER: "rates mood, blinded: sees no treatment session and no arm",
    Role.PHARMACIST: "prepares and dispenses; may know the arm",
    Role.COORDINATOR: "keeps the plan: people, visits, papers",
    Role.ANALYST: "works with de-identified data only",
    Role.PARTICIPANT: "takes part; sees their own record",
}


class Permission(StrEnum):
    """What may be done. The value is a sentence that ends "may …", for people to read."""

    SEE_FACILITY = "open the facility's pages"
    CHANGE_FACILITY = "change the facility's name, time zone and crisis help"
    SEE_STAFF = "see who works here"
    MANAGE_STAFF = "invite people, give and end their roles"
    SEE_AUDIT = "read the audit trail"
    REVIEW_EMERGENCY_ACCESS = "review who opened records in an emergency"
    SEE_PROGRAMMES = "see programmes and their protocols"
    PREPARE_PROGRAMME = "upload or choose a protocol"
    SIGN_PROGRAMME = "sign a protocol into force"
    SEE_PARTICIPANTS = "see participants by their pseudonym"
    SEE_IDENTITY = "see who a participant is"
    CHANGE_IDENTITY = "enter and correct who a participant is"
    ERASE_IDENTITY = "erase who a participant was, with reason and signature"
    SEE_CLINICAL_RECORD = "see screening, history and measures"
    SCREEN = "record screening and history"
    WEIGH = "record a body weight"
    OVERRIDE_CRITERION = "override a screening criterion with reason and signature"
    RECORD_CONSENT = "record consent"
    ENROL = "enrol, randomise and withdraw participants"
    SEE_PLAN = "see the plan of visits and doses"
    CHANGE_PLAN = "move visits and plan boosters"
    SEE_DOSES = "see when doses are planned and were given"
    DECIDE_BOOSTER = "decide on a booster outside the protocol's rule"
    DECIDE_STOPPING = "decide whether doses go on although a reason to stop is there, with reason and signature"
    RECORD_TREATMENTS = "record other treatments and other drugs"
    SEE_ARM = "know which arm a participant is in"
    UNBLIND = "learn a masked arm in an emergency, with reason and signature"
    SEE_SESSIONS = "see treatment sessions"
    RECORD_SESSION = "record a treatment session"
    DECIDE_LEAVING = "let somebody leave although a criterion is not met, with reason and signature"
    RATE = "rate for a study, blinded"
    SEE_RATINGS = "see ratings and their course"
    ENTER_RATINGS = "enter and correct ratings"
    SEND_QUESTIONNAIRES = "make links by which participants answer questionnaires"
    DISPENSE = "prepare and dispense doses"
    SEE_STOCK = "see the register of controlled drugs"
    KEEP_STOCK = "receive, count, send back and destroy controlled drugs"
    CHECK_DOSE = "check a dose that somebody else prepared"
    WITNESS = "witness that a drug was wasted"
    FILL_FORMS = "fill, print and note the monitoring forms of a drug"
    SEE_SAFETY = "see concerns and adverse events"
    RAISE_CONCERN = "raise a concern about a participant"
    HANDLE_CONCERN = "take a concern and say what was done"
    RECORD_EVENT = "record adverse events"
    JUDGE_EVENT = "judge adverse events: serious, related, expected"
    SEE_DEIDENTIFIED = "see and export de-identified data"
    SEE_OWN_RECORD = "see and answer one's own questionnaires and plan"


_EVERYONE = frozenset({Permission.SEE_FACILITY})
_TEAM = _EVERYONE | {Permission.SEE_STAFF, Permission.SEE_PROGRAMMES, Permission.SEE_PARTICIPANTS, Permission.SEE_PLAN}

ROLES: Mapping[Role, frozenset[Permission]] = {
    # Runs the house and reads the trail, but no clinical record: who gives rights does not use them.
    Role.ADMINISTRATOR: _EVERYONE
    | {
        Permission.CHANGE_FACILITY,
        Permission.SEE_STAFF,
        Permission.MANAGE_STAFF,
        Permission.SEE_AUDIT,
        Permission.REVIEW_EMERGENCY_ACCESS,
        Permission.SEE_PROGRAMMES,
    },
    Role.CLINICIAN: _TEAM
    | {
        Permission.PREPARE_PROGRAMME,
        Permission.SIGN_PROGRAMME,
        Permission.SEE_IDENTITY,
        Permission.CHANGE_IDENTITY,
        Permission.ERASE_IDENTITY,
        Permission.SEE_CLINICAL_RECORD,
        Permission.SCREEN,
        Permission.WEIGH,
        Permission.OVERRIDE_CRITERION,
        Permission.RECORD_CONSENT,
        Permission.ENROL,
        Permission.UNBLIND,
        Permission.CHANGE_PLAN,
        Permission.SEE_DOSES,
        Permission.DECIDE_BOOSTER,
        Permission.DECIDE_STOPPING,
        Permission.RECORD_TREATMENTS,
        Permission.SEE_SESSIONS,
        Permission.RECORD_SESSION,
        Permission.DECIDE_LEAVING,
        Permission.RATE,
        Permission.SEE_RATINGS,
        Permission.ENTER_RATINGS,
        Permission.SEND_QUESTIONNAIRES,
        Permission.SEE_SAFETY,
        Permission.RAISE_CONCERN,
        Permission.HANDLE_CONCERN,
        Permission.RECORD_EVENT,
        Permission.JUDGE_EVENT,
        Permission.DISPENSE,
        Permission.SEE_STOCK,
        Permission.KEEP_STOCK,
        Permission.CHECK_DOSE,
        Permission.WITNESS,
        Permission.FILL_FORMS,
    },
    Role.SESSION_NURSE: _TEAM
    | {
        Permission.SEE_IDENTITY,
        Permission.SEE_CLINICAL_RECORD,
        Permission.WEIGH,
        Permission.SEE_RATINGS,
        Permission.ENTER_RATINGS,
        Permission.SEND_QUESTIONNAIRES,
        Permission.SEE_DOSES,
        Permission.RECORD_TREATMENTS,
        Permission.SEE_SESSIONS,
        Permission.RECORD_SESSION,
        Permission.SEE_SAFETY,
        Permission.RAISE_CONCERN,
        Permission.HANDLE_CONCERN,
        Permission.RECORD_EVENT,
        Permission.DISPENSE,
        Permission.SEE_STOCK,
        Permission.CHECK_DOSE,
        Permission.WITNESS,
        Permission.FILL_FORMS,
    },
    # Dissociation and blood pressure unmask the arm: a rater sees neither sessions nor the clinical record.
    Role.RATER: _TEAM | {Permission.SEE_IDENTITY, Permission.RATE, Permission.SEE_RATINGS, Permission.ENTER_RATINGS},
    Role.PHARMACIST: _TEAM
    | {
        Permission.SEE_IDENTITY,
        Permission.SEE_ARM,
        Permission.SEE_DOSES,
        Permission.DISPENSE,
        Permission.SEE_STOCK,
        Permission.KEEP_STOCK,
        Permission.CHECK_DOSE,
        Permission.WITNESS,
    },
    Role.COORDINATOR: _TEAM
    | {
        Permission.PREPARE_PROGRAMME,
        Permission.SEE_IDENTITY,
        Permission.CHANGE_IDENTITY,
        Permission.CHANGE_PLAN,
        Permission.SEE_DOSES,
        Permission.SEND_QUESTIONNAIRES,
        Permission.RECORD_CONSENT,
    },
    Role.ANALYST: _EVERYONE | {Permission.SEE_PROGRAMMES, Permission.SEE_DEIDENTIFIED},
    Role.PARTICIPANT: _EVERYONE | {Permission.SEE_OWN_RECORD},
}

# What emergency access opens: to read and record care. Never staff, never the trail, never the arm.
EMERGENCY: frozenset[Permission] = frozenset(
    {
        Permission.SEE_FACILITY,
        Permission.SEE_PARTICIPANTS,
        Permission.SEE_IDENTITY,
        Permission.SEE_CLINICAL_RECORD,
        Permission.SEE_RATINGS,
        Permission.SEE_PLAN,
        Permission.SEE_DOSES,
        Permission.SEE_SESSIONS,
        Permission.RECORD_SESSION,
    }
)
# What tells of doses. The trail and the records for analysis are among it: they name nobody, but tell hours and scores,
# and a rater knows whose they are. Whoever may do one of these does not rate blinded.
TELLS_OF_DOSES: frozenset[Permission] = frozenset(
    {
        Permission.SEE_DOSES,
        Permission.SEE_SESSIONS,
        Permission.SEE_CLINICAL_RECORD,
        Permission.SEE_ARM,
        Permission.SEE_STOCK,
        Permission.SEE_SAFETY,
        Permission.SEE_AUDIT,
        Permission.SEE_DEIDENTIFIED,
    }
)
_MAY_BREAK_GLASS = frozenset({Role.CLINICIAN, Role.SESSION_NURSE, Role.PHARMACIST})


def may_break_glass(roles: frozenset[Role]) -> bool:
    """Tell whether somebody with these roles, at any facility, may open records in an emergency.

    Whoever rates blinded anywhere may not: what is seen cannot be unseen. In an emergency a rater calls a clinician.
    """
    return Role.RATER not in roles and bool(roles & _MAY_BREAK_GLASS)


if unnamed := set(Role) - set(ROLES):
    raise CannotError(f"Roles without a row in the table: {', '.join(sorted(unnamed))}.")
