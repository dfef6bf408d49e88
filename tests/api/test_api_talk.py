"""Comments and files of a process."""

from io import BytesIO


def send(program, process_id, content=b"hello", name="a.txt", **headers):
    return program._client.post(
        f"/api/v1/processes/{process_id}/files",
        data={"file": (BytesIO(content), name)},
        headers={**program.headers, **headers},
    )


def test_a_comment_is_said_and_read(program, started, open_task):
    process_id = started()
    alice, carol = program("alice"), program("carol")
    task_id = open_task(process_id)
    path = f"/processes/{process_id}/comments"
    made = alice.post(path, {"text": "Look, @carol", "task": task_id}, Idempotency_Key="k")
    assert (made.status_code, made.json["author"]["username"], made.json["task"]) == (201, "alice", task_id)
    assert alice.post(path, {"text": "Look, @carol", "task": task_id}, Idempotency_Key="k").json == made.json
    assert carol.get(path).json == {"items": [made.json], "next": None}
    for wrong in ({"text": " "}, {}, {"text": "x" * 10_001}, {"text": "x", "task": 9999}):
        assert alice.post(path, wrong).status_code == 422
    assert program("dave").post(path, {"text": "x"}).status_code == 403


def test_a_file_is_attached_listed_and_read(app, program, started):
    process_id = started()
    alice = program("alice")
    made = send(alice, process_id, **{"Idempotency-Key": "k"})
    assert made.status_code == 201, made.text
    assert (made.json["name"], made.json["size"], made.json["user"]["username"]) == ("a.txt", 5, "alice")
    assert send(alice, process_id, **{"Idempotency-Key": "k"}).json == made.json
    assert send(alice, process_id, b"other", **{"Idempotency-Key": "k"}).status_code == 422
    assert alice.get(f"/processes/{process_id}/files").json["items"] == [made.json]
    address = made.json["url"].removeprefix("/api/v1")
    assert alice.get(address).data == b"hello"
    assert program("dave").get(address).status_code == 403
    assert program(None).get(address).status_code == 401
    assert alice.post(f"/processes/{process_id}/files", {}).status_code == 422


def test_a_file_of_a_field_is_read_by_programs(program, started):
    process_id = started(scan={"name": "s.txt", "type": "text/plain", "content": "aGVsbG8="})
    alice = program("alice")
    scan = alice.get(f"/processes/{process_id}").json["data"]["scan"]
    assert alice.get(scan["url"].removeprefix("/api/v1")).data == b"hello"
