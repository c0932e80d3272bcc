"""`-m http.server`: a file, a listing, what is not there, a method it does not know."""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

# Whatever the environment says, this stays on the machine.
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))


def fetch(url, **more):
    try:
        with urllib.request.urlopen(url, timeout=30, **more) as answer:
            print(answer.status, answer.headers["Content-Type"], answer.headers["Content-Length"])
            print(answer.read().decode())
    except urllib.error.HTTPError as error:
        print(error, error.headers["Content-Type"])
        print(error.read().decode())


with tempfile.TemporaryDirectory() as where:
    os.mkdir(where + "/sub")
    with open(where + "/a.txt", "w") as file:
        file.write("hello\n")
    with open(where + "/é <x>.html", "w") as file:
        file.write("x")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", port, "-b", "127.0.0.1", "-d", where],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    print(server.stdout.readline().replace(port, "PORT"))
    url = "http://127.0.0.1:" + port
    fetch(url + "/a.txt")
    fetch(url + "/")
    fetch(url + "/sub")
    fetch(url + "/%C3%A9%20%3Cx%3E.html")
    fetch(url + "/nope")
    fetch(url, data=b"x")
    server.send_signal(signal.SIGINT)
    output, log = server.communicate(timeout=30)
    print(output, server.returncode)
    print(re.sub(r"\[.*?\]", "[DATE]", log))
