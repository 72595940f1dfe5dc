"""Who may act. Codes are public and fixed; a person holds a role always relative to one case."""

from __future__ import annotations

from states.language import Text

APPLICANT = "applicant"
INTAKE = "intake"
OFFICER = "officer"
HEAD = "head"
DIRECTOR = "director"
COMMITTEE = "committee"
LEADER_OFFICE = "leader_office"
CONSULTEE = "consultee"
GUIDE = "guide"
REGISTRY = "registry"
AUDITOR = "auditor"
ADMIN = "admin"
CLOCK = "clock"

ROLES: dict[str, Text] = {
    APPLICANT: Text("Cơ quan đề nghị", "Requesting organisation"),
    INTAKE: Text("Cán bộ một cửa", "Intake desk"),
    OFFICER: Text("Chuyên viên thụ lý", "Officer in charge"),
    HEAD: Text("Lãnh đạo phòng", "Head of unit"),
    DIRECTOR: Text("Lãnh đạo Sở Ngoại vụ", "Director of the Department"),
    COMMITTEE: Text("Lãnh đạo UBND", "People's Committee leader"),
    LEADER_OFFICE: Text("Cơ quan của người được phỏng vấn", "Office of the interviewee"),
    CONSULTEE: Text("Cơ quan được lấy ý kiến", "Consulted agency"),
    GUIDE: Text("Cán bộ hướng dẫn", "Guide"),
    REGISTRY: Text("Văn thư", "Registry"),
    AUDITOR: Text("Thanh tra, kiểm tra", "Auditor"),
    ADMIN: Text("Quản trị kỹ thuật", "Administrator"),
    CLOCK: Text("Hệ thống, theo thời hạn", "The clock"),
}

# Two duties are apart only if different people can hold them; the clock is no person.
OFFICIALS = frozenset({INTAKE, OFFICER, HEAD, DIRECTOR, COMMITTEE, LEADER_OFFICE, REGISTRY})
