"""Sign in, stay signed in, sign out; and what happens to those who only try."""

import asyncio

import pytest

from copydesk.domain.user import Role, UserStatus
from web_support import PASSWORD, assert_error, no_limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME = "/users/me"


def credentials(person, password=PASSWORD):
    return {"username": person.user.username, "password": password}


async def signed_in(desk, person, **sent):
    answer = await desk.nobody.post("/token", data=credentials(person), **sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def refresh(desk, token):
    return await desk.nobody.post("/token/refresh", json={"refresh_token": token})


@pytest.mark.parametrize("role", Role)
async def test_a_form_signs_in_with_the_words_of_the_contract(desk, role):
    person = await desk.person(role)

    answer = await desk.nobody.post("/token", data=credentials(person))

    assert answer.status_code == 200
    tokens = answer.json()
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in", "role"}
    assert tokens["token_type"] == "bearer"
    assert tokens["role"] == role
    assert tokens["expires_in"] == 900
    me = await desk.nobody.get(ME, headers=bearer(tokens["access_token"]))
    assert me.json()["username"] == person.user.username


async def test_json_signs_in_as_well_as_a_form(desk):
    person = await desk.person()

    answer = await desk.nobody.post("/token", json=credentials(person))

    assert answer.status_code == 200
    assert answer.json()["access_token"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
async def test_the_content_type_may_carry_a_charset_and_capitals(desk, kind):
    person = await desk.person()
    body = f'{{"username": "{person.user.username}", "password": "{PASSWORD}"}}'

    answer = await desk.nobody.post("/token", content=body, headers={"Content-Type": kind})

    assert answer.status_code == 200


async def test_names_are_compared_without_regard_to_case(desk):
    person = await desk.person()

    answer = await desk.nobody.post("/token", data={**credentials(person), "username": person.user.username.upper()})

    assert answer.status_code == 200


async def test_a_wrong_password_and_an_unknown_name_look_the_same(desk):
    person = await desk.person()

    wrong = await desk.nobody.post("/token", data=credentials(person, "not this one"))
    unknown = await desk.nobody.post("/token", data={"username": "nobody-at-all", "password": PASSWORD})

    assert_error(wrong, 401, "unauthorized")
    assert wrong.content == unknown.content


async def test_a_disabled_user_is_turned_away_like_a_wrong_password(desk):
    person = await desk.person(status=UserStatus.DISABLED)

    answer = await desk.nobody.post("/token", data=credentials(person))

    assert_error(answer, 401, "unauthorized")
    assert_error(await person.get(ME), 401)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "ada"},
        {"password": "x"},
        {"username": "", "password": ""},
        {"username": 7, "password": ["x"]},
        {"username": None, "password": None},
        {"username": "a" * 201, "password": "b"},
        {"username": "ada", "password": "b" * 201},
        [],
        "ada",
        None,
        7,
    ],
)
async def test_a_sign_in_without_name_and_password_is_refused_in_words(desk, body):
    assert_error(await desk.nobody.post("/token", json=body), 422)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\xfd", b'{"username":', b"username=ada&password="])
async def test_a_sign_in_that_is_not_json_is_refused_in_words(desk, body):
    assert_error(await desk.nobody.post("/token", content=body, headers={"Content-Type": "application/json"}), 422)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "multipart/form-data; boundary=x"])
async def test_a_sign_in_of_a_wrong_content_type_is_a_client_error(desk, kind):
    answer = await desk.nobody.post("/token", content=b"username=ada", headers={"Content-Type": kind})

    assert answer.status_code in {400, 415, 422}
    assert_error(answer, answer.status_code)


async def test_a_multipart_form_without_a_boundary_is_a_client_error(desk):
    answer = await desk.nobody.post("/token", content=b"x", headers={"Content-Type": "multipart/form-data"})

    assert_error(answer, answer.status_code)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("name", ["ad\N{COMBINING DIAERESIS}a", "ada\N{ZERO WIDTH SPACE}", "' OR 1=1 --"])
async def test_a_strange_name_is_nobody_and_breaks_nothing(desk, name):
    assert_error(await desk.nobody.post("/token", json={"username": name, "password": PASSWORD}), 401)


@pytest.mark.parametrize("text", ["ada\ud800", "ada\0"])
@pytest.mark.parametrize("field", ["username", "password"])
async def test_text_that_no_database_takes_is_a_client_error_in_a_sign_in(desk, field, text):
    person = await desk.person()

    answer = await desk.nobody.post("/token", json={**credentials(person), field: text})

    assert answer.status_code in {401, 422}


async def test_ten_wrong_passwords_for_a_name_close_it_for_five_minutes(start_hub):
    async with start_hub() as desk:
        person = await desk.person()
        for count in range(10):
            answer = await desk.nobody.post("/token", data=credentials(person, "wrong"), address=f"198.51.100.{count}")
            assert_error(answer, 401)

        closed = await desk.nobody.post("/token", data=credentials(person))

        assert_error(closed, 429, "too_many_requests")
        assert 240 < int(closed.headers["Retry-After"]) <= 300
        desk.hub.clock.forward(seconds=301)
        assert (await desk.nobody.post("/token", data=credentials(person))).status_code == 200


async def test_a_closed_name_is_closed_in_every_spelling(start_hub):
    async with start_hub() as desk:
        person = await desk.person()
        for _ in range(10):
            await desk.nobody.post("/token", data=credentials(person, "wrong"))

        answer = await desk.nobody.post(
            "/token", data={**credentials(person), "username": person.user.username.upper()}
        )

        assert_error(answer, 429)


async def test_a_name_that_does_not_exist_is_throttled_like_one_that_does(start_hub):
    async with start_hub() as desk:
        answers = [
            await desk.nobody.post("/token", data={"username": "ghost", "password": "x"}, address=f"198.51.100.{count}")
            for count in range(11)
        ]

        assert [one.status_code for one in answers] == [401] * 10 + [429]


async def test_fifty_wrong_passwords_from_an_address_close_it_for_all_names(start_hub):
    async with start_hub() as desk:
        person = await desk.person()
        for count in range(50):
            answer = await desk.nobody.post("/token", data={"username": f"name-{count}", "password": "x"})
            assert answer.status_code == 401

        assert_error(await desk.nobody.post("/token", data=credentials(person)), 429)
        assert (await desk.nobody.post("/token", data=credentials(person), address="198.51.100.1")).status_code == 200


async def test_guesses_sent_at_once_count_like_guesses_one_by_one(start_hub):
    async with start_hub() as desk:
        person = await desk.person()

        guesses = [desk.nobody.post("/token", data=credentials(person, f"guess {count}")) for count in range(30)]
        answers = [one.status_code for one in await asyncio.gather(*guesses)]

        assert answers.count(401) <= 10


async def test_an_access_token_ends_after_its_fifteen_minutes(start_hub):
    async with start_hub() as desk:
        person = await desk.person()
        tokens = await signed_in(desk, person)
        desk.hub.clock.forward(seconds=895)
        assert (await desk.nobody.get(ME, headers=bearer(tokens["access_token"]))).status_code == 200

        desk.hub.clock.forward(seconds=10)

        answer = await desk.nobody.get(ME, headers=bearer(tokens["access_token"]))
        assert_error(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        renewed = await refresh(desk, tokens["refresh_token"])
        assert (await desk.nobody.get(ME, headers=bearer(renewed.json()["access_token"]))).status_code == 200


async def test_a_refresh_token_ends_after_its_days(start_hub):
    async with start_hub() as desk:
        tokens = await signed_in(desk, await desk.person())

        desk.hub.clock.forward(days=15)

        assert_error(await refresh(desk, tokens["refresh_token"]), 401)


async def test_refreshing_rotates_and_the_chain_goes_on(desk):
    tokens = await signed_in(desk, await desk.person())

    for _ in range(3):
        answer = await refresh(desk, tokens["refresh_token"])
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] != tokens["refresh_token"]
        tokens = answer.json()

    assert (await desk.nobody.get(ME, headers=bearer(tokens["access_token"]))).status_code == 200


async def test_using_a_refresh_token_twice_ends_everything_that_came_from_it(desk):
    person = await desk.person()
    first, other = await signed_in(desk, person), await signed_in(desk, person)
    second = (await refresh(desk, first["refresh_token"])).json()

    assert_error(await refresh(desk, first["refresh_token"]), 401)

    assert_error(await refresh(desk, second["refresh_token"]), 401)
    assert (await refresh(desk, other["refresh_token"])).status_code == 200


async def test_two_uses_of_a_refresh_token_at_once_are_a_reuse_too(desk):
    """A thief who is as quick as the owner must not end up with the one session that lives on."""
    person = await desk.person()

    survivors = []
    for _ in range(5):
        tokens = await signed_in(desk, person)
        answers = await asyncio.gather(*[refresh(desk, tokens["refresh_token"]) for _ in range(2)])
        won = [one.json()["refresh_token"] for one in answers if one.status_code == 200]
        survivors += [token for token in won if (await refresh(desk, token)).status_code == 200]

    assert survivors == []


@pytest.mark.parametrize("token", ["", "x", "\0", "a" * 201, None, 7, {"a": 1}])
async def test_a_made_up_refresh_token_opens_nothing(desk, token):
    answer = await refresh(desk, token)

    assert answer.status_code in {401, 422}
    assert_error(answer, answer.status_code)


async def test_an_access_token_is_no_refresh_token_and_the_other_way_round(desk):
    tokens = await signed_in(desk, await desk.person())

    assert (await refresh(desk, tokens["access_token"])).status_code in {401, 422}
    assert_error(await desk.nobody.get(ME, headers=bearer(tokens["refresh_token"])), 401)


async def test_signing_out_ends_the_session_of_that_refresh_token_alone(desk):
    person = await desk.person()
    here, there = await signed_in(desk, person), await signed_in(desk, person)

    answer = await person.post("/logout", json={"refresh_token": here["refresh_token"]})

    assert answer.status_code == 204
    assert answer.content == b""
    assert_error(await refresh(desk, here["refresh_token"]), 401)
    assert (await refresh(desk, there["refresh_token"])).status_code == 200


async def test_signing_out_without_a_token_ends_every_session_of_the_user(desk):
    person, other = await desk.person(), await desk.person()
    mine, theirs = await signed_in(desk, person), await signed_in(desk, other)

    assert (await person.post("/logout")).status_code == 204

    assert_error(await refresh(desk, mine["refresh_token"]), 401)
    assert (await refresh(desk, theirs["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x.y.z",
        "Basic YWRhOng=",
        "bearer null",
        # {"alg":"none"} {"sub":"1","typ":"access","exp":9999999999,"iat":0}
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwidHlwIjoiYWNjZXNzIiwiZXhwIjo5OTk5OTk5OTk5LCJpYXQiOjB9.",
    ],
)
async def test_a_header_that_is_no_token_of_ours_is_nobody(desk, header):
    assert_error(await desk.nobody.get(ME, headers={"Authorization": header}), 401, "unauthorized")


async def test_a_token_of_another_desk_is_nobody_here(desk, start_hub):
    person = await desk.person()
    async with start_hub(limits=no_limits()) as elsewhere:
        forged = elsewhere.hub.tokens.access(person.user, elsewhere.hub.clock.now())

    assert_error(await desk.nobody.get(ME, headers=bearer(forged)), 401)


async def test_a_role_that_was_taken_away_counts_at_once(desk):
    admin, demoted = await desk.person("admin"), await desk.person("admin")

    changed = await admin.patch(f"/api/v1/users/{demoted.user.id}", json={"role": "follower"})

    assert changed.status_code == 200
    assert_error(await demoted.get("/api/v1/users"), 403, "forbidden")


async def test_disabling_a_user_ends_the_sessions_at_once(desk):
    admin, person = await desk.person("admin"), await desk.person()
    tokens = await signed_in(desk, person)

    await admin.patch(f"/api/v1/users/{person.user.id}", json={"status": "disabled"})

    assert_error(await desk.nobody.get(ME, headers=bearer(tokens["access_token"])), 401)
    assert_error(await refresh(desk, tokens["refresh_token"]), 401)


async def test_a_new_password_ends_old_sessions_and_the_old_password(desk):
    admin, person = await desk.person("admin"), await desk.person()
    tokens = await signed_in(desk, person)

    await admin.patch(f"/api/v1/users/{person.user.id}", json={"password": "another long one"})

    assert_error(await refresh(desk, tokens["refresh_token"]), 401)
    assert_error(await desk.nobody.post("/token", data=credentials(person)), 401)
    assert (await desk.nobody.post("/token", data=credentials(person, "another long one"))).status_code == 200
