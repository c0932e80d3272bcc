"""int, float, complex, bool."""
print(2 ** 100, -7 // 2, -7 % 3, 7 // -2, divmod(-7, 3), 1 << 70, (1 << 70) >> 65, ~5, 5 & 3, 5 | 3, 5 ^ 3, -5 & 0xff)
print(10 ** 30 // 7, 10 ** 30 % 7, -(10 ** 30), 10 ** 30 - 10 ** 30 + 1, 2 ** 61, 2 ** 62 - 1, -2 ** 61, 2 ** 61 * 2 ** 61, 4611686018427387904 + 1)
print(1 / 3, 2.5 // 1, -2.5 % 1, 1e308 * 10, float("nan"), 0.1 + 0.2, round(2.5), round(3.5), round(2.675, 2), round(1234, -2), 3.0, 1e22, 1e-7, 5e-324)
print(int("0x1f", 16), int("-12"), int(3.99), int(" 7 "), float("1e3"), int("1_000"), bin(10), oct(8), hex(255), (255).to_bytes(2, "big"), int.from_bytes(b"\x01\x00", "big"), (5).bit_length())
print(1 + 2j, (1 + 2j) * (3 - 1j), abs(3 + 4j), (1 + 2j).conjugate(), complex("1+2j"), 1j ** 2)
print(True + True, True == 1, isinstance(True, int), bool([]), bool("x"), not 0, 1 < 2 < 3, 1 < 3 < 2, 1 == 1.0, hash(1) == hash(1.0), 10 ** 20 == 1e20)
print(max(1, 2.5, 2), min([3, 1, 2]), sum([0.1] * 10), sum(range(101)), pow(2, 10), pow(2, 10, 1000), pow(3, -1, 7), abs(-5), (0.5).as_integer_ratio(), (3.0).is_integer(), float.fromhex("0x1.8p3"), (1.5).hex())
for bad in (lambda: 1 / 0, lambda: 1 // 0, lambda: 1 % 0, lambda: 0 ** -1, lambda: int("x"), lambda: float("y"), lambda: 1 << -1, lambda: 2.0 ** 10000, lambda: int(float("nan")), lambda: 1 + None, lambda: -"a", lambda: 1 << 10 ** 12, lambda: "x" * 10 ** 15):
    try:
        print(bad())
    except Exception as error:
        print(type(error).__name__, error)
