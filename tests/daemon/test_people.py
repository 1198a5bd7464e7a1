"""Who is not called, and why: asked of a whole daemon."""

from datetime import UTC, datetime

from dialerd.core import control as api
from dialerd.core import people_view as view
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.records import DoNotCall
from dialerd.core.step_spec import StepSpec
from dialerd.store import open_store, wait
from tests.daemon.test_daemon import people


def test_the_daemon_says_who_is_not_called_and_why(daemon):
    d = daemon().start()
    with d.ready() as client:
        people(d.folder, 4)
        store = open_store(d.folder / "data")
        wait(store.dnc_add([DoNotCall(84912000000, 1, "letter")]))
        store.close()
        spec = CampaignSpec(
            name="b", list="people", regime="loopback", steps=(StepSpec(prompt="en/thanks"),),
            start_at=datetime(2090, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        client.call(api.CreateCampaign(spec=spec, who="test"))
        check = client.call(view.CheckCampaign(campaign="b"))
        assert (check.people, check.skipped_people, check.callable) == (4, 1, 3)
        assert check.skipped[0].reason == "do_not_call"
        for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
            client.call(api.ActOnCampaign(campaign="b", action=action, who="test"))
        banned = client.call(view.GetWhy(campaign="b", number="0912 000 000"))
        assert banned.why.startswith("on the do-not-call list since 1970-01-01")
        closed = client.call(view.GetWhy(campaign="b", number="+84912000001"))
        assert closed.rule == "hours"
        assert closed.until is not None
        assert client.call(view.ListLeads(campaign="b", limit=3)).next
        lines = client.call(view.ListIdle()).items
        assert lines
        assert all("starts" in line.why for line in lines)
    assert d.stop()[0] == 0
