"""Several approvals at once, with a script and without one."""

import pytest


@pytest.mark.parametrize("script", [True, False])
def test_what_is_asked_alike_is_answered_once(person, script):
    alice = person("alice")
    word = "flood" if script else "fire"
    texts = [f"Drill {number} for a {word}" for number in (1, 2, 3)]
    for text in texts:
        alice.goto("/flows/hello_world/start/start")
        alice.get_by_label("Message").fill(text)
        alice.get_by_role("button", name="Submit", exact=True).click()
        alice.wait_for_load_state()
    bob = person("bob", java_script_enabled=script)
    bob.goto(f"/queue?q=drill+{word}")
    for tick in bob.locator("input[name=task]").all():
        tick.check()
    bob.get_by_role("button", name="Take", exact=True).first.click()
    bob.goto(f"/inbox?q=drill+{word}&group=step")
    assert bob.locator(".row-group").inner_text().split("\n")[0].startswith("Approve")
    for tick in bob.locator("input[name=task]").all():
        tick.check()
    bob.get_by_role("button", name="Finish…").click()
    asked = bob.locator("dialog" if script else "main")
    asked.get_by_role("heading", name="Finish: 3 tasks").wait_for()
    asked.get_by_role("checkbox").last.uncheck()
    asked.get_by_role("button", name="Approve", exact=True).click()
    bob.get_by_text("Approve: 2 tasks done.").wait_for()
    assert bob.locator("input[name=task]").count() == 1
