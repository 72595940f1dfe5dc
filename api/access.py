"""Who may reach which endpoint: one table. An endpoint that is not in it is refused, and fails the tests.

`public` needs nobody signed in; `user` anybody signed in, and what they see is decided case by case on
floor 2; `local` answers on loopback only.
"""

from __future__ import annotations

PUBLIC, USER, LOCAL = "public", "user", "local"

ACCESS: dict[str, str] = {
    "static": PUBLIC, "vendor": PUBLIC, "favicon": PUBLIC, "ops.healthz": PUBLIC, "ops.readyz": PUBLIC, "ops.metrics": LOCAL,
    # REST
    "rest.sign_in": PUBLIC, "rest.sign_out": USER, "rest.confirm": USER, "rest.me": USER,
    "rest.flows": PUBLIC, "rest.flow": PUBLIC, "rest.example": PUBLIC, "rest.chart_": PUBLIC, "rest.agencies": USER, "rest.grounds": USER, "rest.categories": PUBLIC, "rest.route_preview": USER,
    "rest.open_case": USER, "rest.list_cases": USER, "rest.read_case": USER, "rest.edit_case": USER, "rest.actions": USER, "rest.act": USER,
    "rest.recuse": USER, "rest.list_delegations": USER, "rest.enter_delegation": USER, "rest.confirm_delegation": USER, "rest.end_delegation": USER, "rest.history": USER, "rest.differences_of": USER, "rest.deadlines": USER, "rest.letters": USER, "rest.papers": USER, "rest.attach": USER, "rest.paper": USER, "rest.release_paper": USER, "rest.audit_reads": USER,
    "rest.list_matches": USER, "rest.settle_match": USER, "rest.registry_outlets": USER, "rest.registry_outlet": USER, "rest.registry_people": USER,
    "rest.registry_person": USER,
    "rest.communes": USER, "rest.countries": PUBLIC, "rest.languages": PUBLIC,
    "rest.calendar_feed": PUBLIC, "rest.track": PUBLIC, "rest.receipt": USER, "rest.openapi": PUBLIC, "rest.docs": PUBLIC,
    # pages
    "web.home": PUBLIC, "web.sign_in": PUBLIC, "web.sign_out": USER, "web.language_": PUBLIC, "web.account": USER, "web.end_session": USER,
    "web.read_notices": USER, "web.apply": USER, "web.apply_form": USER, "web.apply_elsewhere": USER, "web.edit": USER, "web.edit_screen": USER, "web.answer_return": USER, "web.copy_case": USER, "web.form_sheet": USER, "web.notice_sheet": USER, "web.linked_interview": USER, "web.send_together": USER, "web.sent": USER, "web.same_letter": USER, "web.upload": USER, "web.cases": USER, "web.inbox": USER,
    "web.case": USER, "web.do": USER, "web.history_page": USER, "web.paper": USER, "web.release_paper": USER, "web.audit_reads": USER, "web.help_": PUBLIC, "web.help_flow": PUBLIC,
    "web.choose_mail": USER, "web.shared": USER, "web.shared_one": USER, "web.admin_messages": USER, "web.admin_message": USER,
    "web.admin_index": USER, "web.admin_calendar": USER, "web.admin_calendar_file": USER, "web.admin_calendar_new": USER, "web.admin_calendar_row": USER,
    "web.admin_agencies": USER, "web.admin_agencies_confirm": USER, "web.admin_agency": USER, "web.admin_agency_change": USER,
    "web.admin_calendar_import": USER, "web.admin_calendar_recount": USER,
    "web.admin_delegations": USER, "web.enter_own_delegation": USER, "web.change_delegation": USER,
    "web.admin_rules": USER, "web.admin_rule": USER, "web.admin_rule_act": USER, "web.admin_rule_change": USER, "web.admin_law": USER,
    "web.admin_law_compare": USER,
    "web.registry_outlets": USER, "web.registry_people": USER, "web.registry_outlet": USER, "web.registry_person": USER, "web.settle_match": USER,
    "web.admin_places": USER,
    "web.track": PUBLIC, "web.track_code": PUBLIC, "web.receipt": USER, "web.receipt_qr": USER,
    "web.new_letter": USER, "web.topics": USER, "web.step_back": USER, "web.calendar": USER, "web.calendar_address": USER,
}  # fmt: skip
