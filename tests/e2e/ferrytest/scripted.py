"""A server whose every connection follows a script, for hostile answers.

    def script(peer):
        request = peer.request()
        peer.send(b"HTTP/1.1 200 OK\\r\\n...")

    with Scripted([script, other_script]) as server:
        ... server.url, server.requests ...

The n-th connection gets the n-th script; further ones are closed at once. A
connection is closed when its script returns.
"""

import socket
import ssl
import struct
import threading


class Peer:
    """One accepted connection."""

    def __init__(self, server, sock):
        self.server = server
        self.sock = sock

    def request(self):
        """Reads one request head (and body by Content-Length) and notes it."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.sock.recv(4096)
            if not more:
                raise ConnectionError("client closed")
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        for line in head.split(b"\r\n")[1:]:
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                while len(body) < int(value):
                    body += self.sock.recv(4096)
        text = head.decode()
        self.server.requests.append(text)
        self.server.bodies.append(body)
        return text

    def send(self, data):
        self.sock.sendall(data)

    def answer(self, status="200 OK", body=b"", length=None, **headers):
        """A plain answer; underscores in header names become hyphens."""
        lines = [f"HTTP/1.1 {status}"]
        lines.append(f"Content-Length: {len(body) if length is None else length}")
        lines += [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def hold(self):
        """Says nothing more until the client closes."""
        try:
            while self.sock.recv(4096):
                pass
        except OSError:
            pass

    def reset(self):
        """Closes with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.cut()

    def cut(self):
        """Closes the transport without a word of TLS."""
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class Scripted:
    def __init__(self, scripts, identity=None, client_ca=None,
                 host="localhost"):
        self.scripts = list(scripts)
        self.host = host
        self.requests = []
        self.bodies = []
        self.connections = 0
        self.errors = []
        self.context = None
        if identity:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(identity.cert, identity.key)
            if client_ca:
                self.context.verify_mode = ssl.CERT_REQUIRED
                self.context.load_verify_locations(client_ca.cert)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.workers = []
        self.peers = []

    @property
    def port(self):
        return self.listener.getsockname()[1]

    @property
    def url(self):
        scheme = "https" if self.context else "http"
        return f"{scheme}://{self.host}:{self.port}"

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            number = self.connections
            self.connections += 1
            if number >= len(self.scripts):
                sock.close()
                continue
            self.peers.append(sock)
            worker = threading.Thread(target=self._run, daemon=True,
                                      args=(self.scripts[number], sock))
            self.workers.append(worker)
            worker.start()

    def _run(self, script, sock):
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True,
                                                suppress_ragged_eofs=True)
            script(Peer(self, sock))
        except (OSError, ConnectionError) as error:
            self.errors.append(error)
        finally:
            sock.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        for sock in self.peers:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for worker in self.workers:
            worker.join(10)
