"""http.server, http.client and urllib over loopback."""

import http.client
import http.server
import json
import threading
import urllib.error
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body, **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/redirect":
            self.reply(302, b"", Location="/json?a=1")
        elif self.path.startswith("/json"):
            self.reply(200, json.dumps({"path": self.path, "agent": self.headers["X-Agent"]}).encode())
        elif self.path == "/chunks":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"first,", b"second,", b"third", b""):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        else:
            self.send_error(404, "Nothing here")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(200, body[::-1], Content_Type="text/plain")

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
thread = threading.Thread(target=server.serve_forever)
thread.start()
base = "http://127.0.0.1:%d" % server.server_port

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
request = urllib.request.Request(base + "/json", headers={"X-Agent": "test"})
with opener.open(request) as response:
    print(response.status, response.reason, json.load(response))
with opener.open(base + "/redirect") as response:
    print(response.url.removeprefix(base), json.load(response))
with opener.open(base + "/chunks") as response:
    print(response.read())
print(opener.open(base, data=bytes(range(10))).read())
try:
    opener.open(base + "/nowhere")
except urllib.error.HTTPError as e:
    print(e, e.code, "Nothing here" in e.read().decode())

connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
for path in ("/json", "/chunks", "/nowhere", "/json?x"):
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    print(path, response.status, response.getheader("Content-Length"), len(body) > 0)
connection.request("POST", "/", body=b"x" * 100_000 + b"y")
print(connection.getresponse().read()[:3])
connection.close()

server.shutdown()
server.server_close()
thread.join()
