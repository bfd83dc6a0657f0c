"""Who is told of what, when and how often: real runs, a real database, real servers that take the alerts."""

import json
import socket
import socketserver
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg
import pytest

from spacex_assets.automation.alerts import delivery
from spacex_assets.config import Settings, SettingWrong, settings
from spacex_assets.definitions import build_defs
from spacex_assets_tests.automation.alerts.conftest import Watched, urls
from spacex_assets_tests.automation.alerts.receivers import Mailbox, Webhook, serving
from spacex_assets_tests.automation.conftest import killed_run, until

CORE = "SELECT id FROM spacex.cores ORDER BY id LIMIT 1"
PATH = "/services/T0000/secret-path-4711"


def break_a_core(watched: Watched) -> str:
    """After it the cores are withheld by their guard if nothing may be in quarantine."""
    watched.run("cores")
    ((core,),) = watched.platform.rows(CORE)
    watched.platform.edit("cores", core, {"reuse_count": "often"})
    return str(core)


def test_an_endpoint_that_stays_withheld_is_one_alert_and_one_recovery_at_every_destination(
    watched: Watched, webhook: Webhook, mailbox: Mailbox
) -> None:
    alerts = urls(
        json=f"http://me:basic-secret@127.0.0.1:{webhook.port}{PATH}",
        chat=f"slack+http://127.0.0.1:{webhook.port}/chat{PATH}",
        team=f"smtp://ops%40example.org:mail-pass%20word@127.0.0.1:{mailbox.port}?from=a@example.org&to=b@example.org"
        "&to=c@example.org",
    )
    told = {"alerts": alerts, "ui_url": "https://ui.example.org/", "runbook_url": "https://docs.example.org/runbook"}
    break_a_core(watched)
    assert watched.tick(**told) == "Nothing is wrong."
    assert (webhook.posted, mailbox.mails) == ([], [])

    watched.run("cores", quarantine_limit=0)
    watched.tick(**told)
    last = watched.run("cores", quarantine_limit=0)
    for _ in range(3):
        assert watched.tick(**told) == "not_loaded: cores"
    assert watched.incidents() == [("not_loaded", "cores", 2, True)], "its guard is no incident of its own"

    watched.platform.call("simulator", "reset")
    watched.run("cores")
    for _ in range(2):
        assert watched.tick(**told) == "Nothing is wrong."

    assert sorted(path for path, _ in webhook.posted) == [f"/chat{PATH}", f"/chat{PATH}", PATH, PATH]
    alert, recovery = [body for path, body in webhook.posted if path == PATH]
    assert (alert["event"], recovery["event"]) == ("alert", "recovery")
    (incident,) = alert["incidents"]
    assert (incident["subject"], incident["endpoint"], incident["runs"]) == ("cores", "cores", 1)
    assert incident["last_error"].startswith("blocked: quarantine: ")
    assert incident["link"] == f"https://ui.example.org/runs/{incident['run_id']}"
    assert recovery["incidents"][0]["runs"] == 2
    assert recovery["incidents"][0]["run_id"] == last
    assert recovery["incidents"][0]["until"] > incident["since"]

    texts = [body["text"] for path, body in webhook.posted if path != PATH]
    assert texts[0].startswith("ALERT: Endpoint not loaded: cores\n")
    for part in ("blocked: quarantine", "since 20", "1 run\n", "\nNext: Read the error", "#endpoint-not-loaded"):
        assert part in texts[0]
    assert texts[1].startswith("RECOVERED: Endpoint not loaded: cores\n")
    assert "2 runs" in texts[1]

    assert [mail["Subject"] for mail in mailbox.mails] == [text.splitlines()[0] for text in texts]
    assert mailbox.recipients == ["b@example.org", "c@example.org"] * 2
    assert mailbox.mails[0]["To"] == "b@example.org, c@example.org"


def test_endpoints_that_one_run_did_not_load_are_told_together(watched: Watched, webhook: Webhook) -> None:
    watched.run("cores", "ships")
    for endpoint in ("cores", "ships"):
        ((document,),) = watched.platform.rows(f"SELECT id FROM spacex.{endpoint} ORDER BY id LIMIT 1")
        watched.platform.edit(endpoint, document, {"legacy_id" if endpoint == "ships" else "serial": 7})
    watched.run("cores", "ships", quarantine_limit=0)
    watched.tick(alerts=urls(json=f"http://127.0.0.1:{webhook.port}/"))
    (body,) = webhook.bodies
    assert [one["subject"] for one in body["incidents"]] == ["cores", "ships"]
    assert body["title"] == "ALERT: Endpoint not loaded: cores, ships"


def test_a_destination_that_is_dead_gets_its_alert_when_it_is_back_and_the_others_hear_of_it(
    watched: Watched, webhook: Webhook
) -> None:
    with serving(Webhook()) as other:
        port = other.port
    alerts = urls(alive=f"http://127.0.0.1:{webhook.port}/alive", dead=f"http://me:basic-secret@127.0.0.1:{port}{PATH}")
    break_a_core(watched)
    watched.run("cores", quarantine_limit=0)
    for _ in range(3):
        watched.tick(alerts=alerts)
    assert [body["kind"] for body in webhook.bodies] == ["not_loaded"]
    state = "SELECT name, failures, failing_since IS NULL, last_error FROM ops.destinations ORDER BY name"
    alive, dead, log = watched.platform.rows(state)
    assert (alive[:3], log[:3]) == (("alive", 0, True), ("log", 0, True))
    assert dead[:3] == ("dead", 3, False)
    assert "refused" in dead[3]
    assert "basic-secret" not in dead[3] and PATH not in dead[3]
    answer = watched.platform.answer("status")
    assert {one["name"]: one["failures"] for one in answer["destinations"]} == {"alive": 0, "dead": 3, "log": 0}
    screen = watched.platform.call("status").stdout
    assert "  not_loaded cores: for " in screen
    assert "1 destination(s) failing\n  dead: 3 attempt(s), 1 to be told: NotDelivered" in screen

    assert watched.tick(alerts=alerts) == "not_loaded: cores; destination_dead: dead"
    assert [body["kind"] for body in webhook.bodies] == ["not_loaded", "destination_dead"]

    with serving(Webhook(port)) as back:
        watched.tick(alerts=alerts)
        watched.tick(alerts=alerts)
    assert [(body["event"], body["kind"]) for body in back.bodies] == [("alert", "not_loaded")]
    assert webhook.bodies[-1]["event"] == "recovery"
    assert webhook.bodies[-1]["incidents"][0]["subject"] == "dead"
    assert len(webhook.bodies) == 3


def test_what_began_and_ended_while_a_destination_was_dead_is_told_in_order(watched: Watched, webhook: Webhook) -> None:
    alerts = urls(json=f"http://127.0.0.1:{webhook.port}/")
    webhook.status = 503
    break_a_core(watched)
    watched.run("cores", quarantine_limit=0)
    watched.tick(alerts=alerts)
    watched.platform.call("simulator", "reset")
    watched.run("cores")
    watched.tick(alerts=alerts)
    assert webhook.bodies == []
    webhook.status = 200
    watched.tick(alerts=alerts)
    watched.tick(alerts=alerts)
    assert [body["event"] for body in webhook.bodies] == ["alert", "recovery"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_other_than_2xx_is_no_delivery(watched: Watched, webhook: Webhook, status: int) -> None:
    webhook.status = status
    break_a_core(watched)
    watched.run("cores", quarantine_limit=0)
    watched.tick(alerts=urls(json=f"http://127.0.0.1:{webhook.port}/"))
    ((error,),) = watched.platform.rows("SELECT last_error FROM ops.destinations WHERE failures > 0")
    assert error == f"NotDelivered: expected a status of 2xx, found {status}"


def test_a_destination_that_never_answers_costs_a_tick_no_more_than_its_time_out(
    watched: Watched, webhook: Webhook
) -> None:
    break_a_core(watched)
    watched.run("cores", quarantine_limit=0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        mail = f"smtp://127.0.0.1:{port}?from=a@example.org&to=b@example.org"
        alerts = urls(hook=f"http://127.0.0.1:{port}/", mail=mail, fine=f"http://127.0.0.1:{webhook.port}/")
        began = time.monotonic()
        watched.tick(alerts=alerts, alert_timeout=0.5)
        assert time.monotonic() - began < 5
    assert len(webhook.bodies) == 1
    errors = dict(watched.platform.rows("SELECT name, last_error FROM ops.destinations WHERE failures = 1"))
    assert set(errors) == {"hook", "mail"}
    assert all("timed out" in error for error in errors.values()), errors


def test_a_destination_that_drips_is_given_up(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    break_a_core(watched)
    watched.run("cores", quarantine_limit=0)
    monkeypatch.setattr(delivery, "LIMIT", 0.5)

    class Drip(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                for _ in range(30):
                    self.wfile.write(b"H")
                    time.sleep(0.1)

    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drip)) as server:
        watched.tick(alerts=urls(hook=f"http://127.0.0.1:{server.server_address[1]}/"))
        (row,) = watched.platform.rows("SELECT last_error FROM ops.destinations WHERE failures = 1")
    assert row[0] == "did not come to an end within 0 s"


def test_a_destination_that_is_slow_is_told_once_and_fails_until_it_has_answered(
    watched: Watched, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_a_core(watched)
    watched.run("cores", quarantine_limit=0)
    monkeypatch.setattr(delivery, "LIMIT", 0.5)
    alerts, state = urls(hook=f"http://127.0.0.1:{webhook.port}/"), "SELECT failures, last_error FROM ops.destinations"
    webhook.answers.clear()
    for _ in range(3):
        watched.tick(alerts=alerts)
    assert (3, "is still at what an earlier tick told it") in watched.platform.rows(state)
    webhook.answers.set()
    until(lambda: watched.platform.rows(state) == [(0, None)] * 2)
    watched.tick(alerts=alerts)
    assert len(webhook.bodies) == 1


def test_mail_is_encrypted_where_its_url_says_so(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*request, *names], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    break_a_core(watched)
    watched.run("cores", quarantine_limit=0)
    with serving(Mailbox(login=("me", "mail-secret"), tls=tls)) as mailbox:
        url = f"smtp+starttls://me:mail-secret@localhost:{mailbox.port}?from=a@example.org&to=b@example.org"
        watched.tick(alerts=urls(team=url))
        assert mailbox.mails == []
        ((error,),) = watched.platform.rows("SELECT last_error FROM ops.destinations WHERE failures = 1")
        assert "certificate verify failed" in error, "an unknown certificate is not trusted"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        watched.tick(alerts=urls(team=url))
        assert [mail["Subject"] for mail in mailbox.mails] == ["ALERT: Endpoint not loaded: cores"]
        watched.tick(alerts=urls(plain=url.replace("+starttls", "").replace("me:mail-secret@", "")))
        ((error,),) = watched.platform.rows("SELECT last_error FROM ops.destinations WHERE failures = 1")
        assert "530" in error, "this server takes nothing unencrypted"


def test_a_run_that_failed_without_a_word_in_the_ledger_is_over_when_its_job_succeeds(
    watched: Watched, webhook: Webhook
) -> None:
    alerts = urls(json=f"http://127.0.0.1:{webhook.port}/")
    wrong = [True]

    @dg.op
    def sweep() -> None:
        if wrong:
            raise ValueError("the broom broke at http://me:secret@127.0.0.1/x?token=abcdef")

    @dg.job
    def housekeeping() -> None:
        sweep()

    repository = dg.Definitions(jobs=[housekeeping]).get_repository_def()
    job = repository.get_job("housekeeping")
    runs = [job.execute_in_process(instance=watched.instance, raise_on_error=False).run_id for _ in range(2)]
    watched.tick(repository, alerts=alerts)
    watched.tick(repository, alerts=alerts)
    wrong.clear()
    job.execute_in_process(instance=watched.instance)
    watched.tick(repository, alerts=alerts)
    alert, recovery = webhook.bodies
    assert (alert["kind"], alert["incidents"][0]["subject"]) == ("run_failed", "housekeeping")
    assert alert["incidents"][0]["run_id"] == runs[-1]
    assert alert["incidents"][0]["last_error"] == ("sweep: ValueError: the broom broke at http://127.0.0.1/x?token=•••")
    assert recovery["event"] == "recovery"


def test_a_run_that_was_killed_is_over_when_each_of_its_endpoints_is_loaded_and_not_before(
    watched: Watched, webhook: Webhook
) -> None:
    alerts = urls(json=f"http://127.0.0.1:{webhook.port}/")
    break_a_core(watched)
    killed = killed_run(watched.settings, watched.instance, "cores", "ships")
    watched.run("ships")
    assert watched.tick(alerts=alerts) == "run_failed: __ASSET_JOB"
    (alert,) = webhook.bodies
    (incident,) = alert["incidents"]
    assert (incident["run_id"], incident["endpoint"], incident["last_error"]) == (
        killed,
        "cores",
        "raw__cores: terminated by signal 9 (SIGKILL) Left to do: cores.",
    )
    watched.run("cores", quarantine_limit=0)
    assert watched.tick(alerts=alerts) == "run_failed: __ASSET_JOB; not_loaded: cores"
    watched.platform.call("simulator", "reset")
    watched.run("cores")
    assert watched.tick(alerts=alerts) == "Nothing is wrong."
    assert [(body["event"], body["kind"]) for body in webhook.bodies] == [
        ("alert", "run_failed"),
        ("alert", "not_loaded"),
        ("recovery", "not_loaded"),
        ("recovery", "run_failed"),
    ]


def test_a_run_that_is_killed_after_a_step_failed_tells_of_the_endpoints_that_it_did_not_come_to(
    watched: Watched,
) -> None:
    killed = killed_run(watched.settings, watched.instance, "cores", "ships")
    watched.platform.rows(
        "INSERT INTO ops.loads (run_id, endpoint, table_name, source, fetched_at, documents, started_at, finished_at, "
        "outcome, rows_read, rows_inserted, rows_updated, rows_deleted, rows_unchanged, error) SELECT "
        f"'{killed}', 'cores', 'cores', 'x', now(), 0, now(), now(), 'failed', 0, 0, 0, 0, 0, 'no JSON'"
    )
    assert set(watched.tick().split("; ")) == {"not_loaded: cores", "run_failed: __ASSET_JOB"}
    (left,) = watched.platform.rows("SELECT endpoint FROM ops.incidents WHERE kind = 'run_failed'")
    assert left == ("ships",)


def test_a_run_that_goes_on_or_is_tried_again_is_judged_when_it_ends(watched: Watched, webhook: Webhook) -> None:
    alerts = urls(json=f"http://127.0.0.1:{webhook.port}/")
    break_a_core(watched)
    run_id = watched.run("cores", quarantine_limit=0)
    storage = watched.instance.run_storage
    watched.instance.add_run_tags(run_id, {"dagster/will_retry": "true"})
    assert watched.tick(alerts=alerts) == "Nothing is wrong."
    first = {"dagster/parent_run_id": run_id, "dagster/root_run_id": run_id}
    second = dg.DagsterRun(
        job_name="__ASSET_JOB",
        status=dg.DagsterRunStatus.STARTED,
        parent_run_id=run_id,
        root_run_id=run_id,
        tags=first,
    )
    storage.add_run(second)
    watched.instance.add_run_tags(run_id, {"dagster/auto_retry_run_id": second.run_id})
    assert watched.tick(alerts=alerts) == "Nothing is wrong."
    watched.instance.report_run_failed(second, "it failed as well")
    assert watched.tick(alerts=alerts) == "not_loaded: cores; run_failed: __ASSET_JOB"


def test_a_check_that_failed_after_the_load_stays_wrong_until_it_passes(watched: Watched, webhook: Webhook) -> None:
    alerts = urls(json=f"http://127.0.0.1:{webhook.port}/")
    watched.run("landpads")
    watched.platform.rows("ALTER TABLE spacex.landpads ADD COLUMN foreign_column int")
    try:
        watched.run("landpads")
        watched.tick(alerts=alerts)
        pads = "SELECT id FROM spacex.landpads ORDER BY id LIMIT 1"
        ((pad,),) = watched.platform.rows(pads)
        watched.platform.edit("landpads", pad, {"landing_attempts": "many"})
        watched.run("landpads", quarantine_limit=0)
        said = watched.tick(alerts=alerts)
        assert said == "check_failed: spacex/landpads integrity; not_loaded: landpads", (
            "a check that is skipped is not over"
        )
        bad = "SELECT asset, check_name FROM ops.check_failures WHERE severity = 'ERROR' ORDER BY asset"
        assert watched.platform.rows(bad) == [("spacex/landpads", "integrity"), ("typed/landpads", "guard")]
    finally:
        watched.platform.rows("ALTER TABLE spacex.landpads DROP COLUMN foreign_column")
    watched.platform.call("simulator", "reset")
    watched.run("landpads")
    assert watched.tick(alerts=alerts) == "Nothing is wrong."
    assert [(body["event"], body["kind"]) for body in webhook.bodies] == [
        ("alert", "check_failed"),
        ("alert", "not_loaded"),
        ("recovery", "not_loaded"),
        ("recovery", "check_failed"),
    ]
    assert webhook.bodies[0]["incidents"][0]["link"].endswith("/assets/spacex/landpads?view=checks")
    assert "foreign_column" in webhook.bodies[0]["text"]
    assert watched.platform.rows("SELECT * FROM ops.check_failures WHERE severity = 'ERROR'") == []


def test_two_processes_that_look_at_once_tell_once(watched: Watched, webhook: Webhook) -> None:
    break_a_core(watched)
    watched.run("cores", quarantine_limit=0)
    alerts = urls(json=f"http://127.0.0.1:{webhook.port}/")
    repository = build_defs(watched.settings).get_repository_def()
    with ThreadPoolExecutor(4) as pool:
        said = [each.result() for each in [pool.submit(watched.tick, repository, alerts=alerts) for _ in range(8)]]
    assert "not_loaded: cores" in said
    assert len(webhook.bodies) == 1


def test_no_secret_is_in_what_is_told_kept_or_shown(
    watched: Watched, webhook: Webhook, mailbox: Mailbox, capfd: pytest.CaptureFixture[str]
) -> None:
    mail = f"smtp://ops%40example.org:mail-pass%20word@127.0.0.1:{mailbox.port}?from=a@example.org&to=b@example.org"
    alerts = urls(
        json=f"http://me:basic-secret@127.0.0.1:{webhook.port}{PATH}",
        dead=f"http://me:basic-secret@127.0.0.1:1{PATH}?token=query-secret",
        dead_mail="smtp://me:other-secret@127.0.0.1:1?from=a@example.org&to=b@example.org",
        mail=mail,
    )
    break_a_core(watched)
    watched.run("cores", quarantine_limit=0)
    error = f"no way to http://u:source-secret@h{PATH} nor {watched.platform.url} with password=hunter2hunter2"
    watched.platform.rows(f"UPDATE ops.loads SET error = '{error}' WHERE outcome = 'blocked'")
    for _ in range(4):
        watched.tick(alerts=alerts)
    told = json.dumps([*webhook.bodies, *(mail.as_string() for mail in mailbox.mails)], default=str)
    kept = str(watched.platform.rows("SELECT i, d FROM ops.incidents i, ops.destinations d"))
    status = watched.platform.answer("status")
    shown = f"{status['incidents']} {status['destinations']} {Settings(alerts=alerts)!r}" + "".join(capfd.readouterr())
    password = urlsplit(watched.platform.url).password
    assert password is not None
    for secret in ("basic-secret", "4711", "query-secret", "other-secret", "mail-pass", "source-secret", "hunter2"):
        assert secret not in kept + shown, secret
        assert secret not in told.replace(PATH, ""), secret
    assert password not in told + kept + shown
    assert "no way to http" in told


def test_a_wrong_destination_is_refused_without_repeating_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("ftp://me:hidden@example.org", "smtp://me:hidden@example.org", "http://", "http://hidden:x@h:port"):
        monkeypatch.setenv("SPACEX_ALERTS", json.dumps({"ops": url}))
        with pytest.raises(SettingWrong, match=r"SPACEX_ALERTS: .*ops: ") as raised:
            settings()
        assert "hidden" not in str(raised.value)
    monkeypatch.setenv("SPACEX_ALERTS", '{"log": "http://127.0.0.1"}')
    with pytest.raises(SettingWrong, match="the log is told in any case"):
        settings()
    monkeypatch.setenv("SPACEX_ALERTS", '["http://hidden@h"]')
    with pytest.raises(SettingWrong) as raised:
        settings()
    assert "hidden" not in str(raised.value)
