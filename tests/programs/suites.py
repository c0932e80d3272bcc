"""`-m unittest` on a suite that passes and one that fails in every way; `-m doctest`."""
from support import directory, run

FAILING = '''\
import unittest
class A(unittest.TestCase):
    def test_ok(self):
        self.assertEqual(1, 1)
    def test_fail(self):
        self.assertEqual([1, 2, 3], [1, 2, 4])
    def test_err(self):
        {}["x"]
    @unittest.skip("no reason")
    def test_skip(self): pass
    @unittest.expectedFailure
    def test_x(self): self.fail("x")
    def test_sub(self):
        for i in range(3):
            with self.subTest(i=i):
                self.assertNotEqual(i, 1, "msg")
    def test_dict(self):
        self.assertEqual({"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 3]})
    def test_text(self):
        self.assertEqual("one\\ntwo\\nthree\\n", "one\\n2\\nthree\\n")
    def test_raises(self):
        with self.assertRaisesRegex(ValueError, "bad"):
            raise ValueError("good")
    def test_logs(self):
        import logging
        with self.assertLogs("x", "INFO"):
            logging.getLogger("x").debug("no")
class B(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError("class")
    def test_b(self): pass
class D(unittest.IsolatedAsyncioTestCase):
    async def test_a(self):
        import asyncio
        await asyncio.sleep(0)
        self.assertTrue(True)
'''

PASSING = '''\
import unittest
from unittest import mock
class A(unittest.TestCase):
    def test_ok(self):
        "Documented."
        m = mock.Mock(return_value=3); self.assertEqual(m(1, a=2), 3); m.assert_called_once_with(1, a=2)
    @mock.patch("os.getcwd", return_value="/x")
    def test_patch(self, g):
        import os
        self.assertEqual(os.getcwd(), "/x")
    def test_spec(self):
        m = mock.create_autospec(print)
        m("a")
        with self.assertRaises(AttributeError): m.nope
    def test_magic(self):
        m = mock.MagicMock(); m.__len__.return_value = 4
        self.assertEqual(len(m), 4)
'''

DOCUMENTED = '''\
"""
>>> f(1)
2
>>> f(2)
4
>>> f("x")
Traceback (most recent call last):
TypeError: can only concatenate str (not "int") to str
"""
def f(a):
    return a + 1
'''

with directory(test_failing=FAILING, test_passing=PASSING, documented=DOCUMENTED) as d:
    run("-m", "unittest", "test_passing", cwd=d)
    run("-m", "unittest", "-v", "test_passing", cwd=d)
    run("-m", "unittest", "test_failing", cwd=d)
    run("-m", "unittest", "-v", "--locals", "-b", "test_failing", cwd=d)
    run("-m", "unittest", "-f", "test_failing", cwd=d)
    run("-m", "unittest", "-k", "ok", cwd=d)
    run("-m", "unittest", "-q", "test_passing.A.test_ok", "test_nope", cwd=d)
    run("-m", "doctest", "-v", "documented.py", cwd=d)
    run("-m", "timeit", "-n", "5", "-r", "2", "x=", cwd=d)
    run("-m", "timeit", "-n", "5", "-r", "2", "1/0", cwd=d)
