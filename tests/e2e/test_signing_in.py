"""Signing in, against an OpenID Connect provider that signs its tokens, in two people's browsers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import stage
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import Browser, Page, expect

from allcore.base.paths import Artifacts
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from allcore.jobs import queue, submit
from allcore.runs import store
from allcore.runs.spec import Tags

pytestmark = pytest.mark.e2e

ANNA, BEN, UNSURE = "anna@example.org", "ben@example.org", "12345"
PEOPLE = (
    User(sub="anna", claims={"email": ANNA, "email_verified": True}),
    User(sub="ben", claims={"email": BEN, "email_verified": True}),
    User(sub=UNSURE, claims={"email": ANNA, "email_verified": False}),
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stage.Server]:
    """A server whose secrets ask for a sign-in, with Anna's training in its queue, and no runner."""
    folder = tmp_path_factory.mktemp("signing-in")
    artifacts, port = Artifacts(folder / "artifacts"), stage.free_port()
    importing.make_phantom(artifacts, "few", PhantomSpec(images=40, patients=8, size=32))
    plan, _ = submit.planned(artifacts, data="few", model="random_forest")
    queue.pause(artifacts, by="the test")
    submit.training(artifacts, plan, tags=Tags(owner=ANNA))
    with run_server_in_thread(user_claims=PEOPLE) as provider, pytest.MonkeyPatch.context() as patch:
        secrets = folder / "secrets.toml"
        secrets.write_text(
            f"""[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "{"0123456789abcdef" * 4}"
client_id = "allcore"
client_secret = "of-the-client"
server_metadata_url = "http://localhost:{provider.server_port}/.well-known/openid-configuration"
"""
        )
        patch.setenv("STREAMLIT_SECRETS_FILES", str(secrets))
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        try:
            yield stage.started(artifacts, port)
        finally:
            stage.end_all(artifacts)


@pytest.fixture
def arrive(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Opens a browser of their own for each person; the provider's page alone asks for a style from elsewhere, and gets none."""
    contexts = []

    def opened() -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(stage.PATIENCE)
        context.route("**/*.css", lambda route: route.fulfill(body="") if "cdn." in route.request.url else route.continue_())
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def sign_in(page: Page, server: stage.Server, who: str) -> None:
    page.goto(server.url)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=who, exact=True).click()
    page.get_by_text("Signed in as").wait_for()
    stage.settled(page)


def look_at_the_job(page: Page, server: stage.Server) -> None:
    (job,) = [job for job in store.runs(server.artifacts) if job.owner == ANNA]
    stage.opened(page, server, "jobs", f"?run={job.id}")


def cancel(page: Page):
    return page.get_by_role("button", name="Cancel")


def test_nothing_is_shown_before_somebody_signed_in(guarded: stage.Server, arrive: Callable[[], Page]):
    page = arrive()
    for path, title in stage.PAGES.values():
        page.goto(f"{guarded.url}/{path}")
        page.get_by_role("button", name="Sign in").wait_for()
        expect(page.get_by_role("heading", name=title, exact=True)).to_have_count(0)
        expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(0)
        expect(page.get_by_text("Signed in as")).to_have_count(0)
        expect(page.get_by_role("button", name="Sign out")).to_have_count(0)


def test_a_job_is_its_owners_alone_until_she_signs_out(guarded: stage.Server, arrive: Callable[[], Page]):
    anna, ben = arrive(), arrive()
    sign_in(anna, guarded, "anna")
    expect(anna.get_by_text(f"Signed in as {ANNA}")).to_be_visible()
    look_at_the_job(anna, guarded)
    expect(cancel(anna)).to_be_enabled()

    sign_in(ben, guarded, "ben")
    look_at_the_job(ben, guarded)
    expect(ben.get_by_text(f"Only {ANNA} and administrators may stop or delete it.")).to_be_visible()
    expect(cancel(ben)).to_have_count(0)

    anna.get_by_role("button", name="Sign out").click()
    anna.get_by_role("button", name="End session").click()  # the provider's own
    anna.get_by_role("button", name="Sign in").wait_for()
    anna.goto(f"{guarded.url}/jobs")
    anna.get_by_role("button", name="Sign in").wait_for()


def test_an_address_that_nobody_has_verified_is_not_believed(guarded: stage.Server, arrive: Callable[[], Page]):
    page = arrive()
    sign_in(page, guarded, UNSURE)
    expect(page.get_by_text(f"Signed in as {UNSURE}")).to_be_visible()
    look_at_the_job(page, guarded)
    expect(cancel(page)).to_have_count(0)


def test_who_denies_the_sign_in_stands_before_the_door_again(guarded: stage.Server, arrive: Callable[[], Page]):
    page = arrive()
    page.goto(guarded.url)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Deny").click()
    page.get_by_role("button", name="Sign in").wait_for()
    expect(page.get_by_test_id("stException")).to_have_count(0)
