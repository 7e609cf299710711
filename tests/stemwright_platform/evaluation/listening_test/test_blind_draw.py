from stemwright_platform.evaluation.listening_test.blind_draw import BlindDraw


def test_the_secret_decides_names_and_sides() -> None:
    draws = [
        [(BlindDraw(secret).name(str(n)), BlindDraw(secret).flips(str(n))) for n in range(50)]
        for secret in ("one", "one", "two")
    ]
    assert draws[0] == draws[1]
    assert not {name for name, _ in draws[0]} & {name for name, _ in draws[2]}


def test_sides_change_about_half_of_the_time() -> None:
    draw = BlindDraw("secret")
    assert 420 < sum(draw.flips(str(number)) for number in range(1000)) < 580
