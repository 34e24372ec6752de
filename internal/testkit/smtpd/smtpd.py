"""A mail server for tests (aiosmtpd): what it takes it prints as JSON, one line
each; a line on its standard input is the answer to every mail from then on
("451 not now"), an empty one ends that."""

import base64
import json
import warnings
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

warnings.simplefilter("ignore")
MODE, CERT, KEY, USER, PASSWORD = sys.argv[1:6]


class Handler:
    answer = ""

    async def handle_DATA(self, server, session, envelope):
        if self.answer:
            return self.answer
        say(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "tls": session.ssl is not None,
                "user": session.auth_data.decode() if session.auth_data else "",
                "data": base64.b64encode(envelope.content).decode(),
            }
        )
        return "250 taken"


def say(what):
    print(json.dumps(what), flush=True)


def authenticate(server, session, envelope, mechanism, data):
    ok = data.login.decode() == USER and data.password.decode() == PASSWORD
    return AuthResult(success=ok, handled=ok, auth_data=data.login)


context = None
if CERT != "-":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERT, KEY)
options = {}
if MODE == "starttls":
    options = {"tls_context": context, "require_starttls": True}
if USER != "-":
    options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": MODE == "starttls"}
handler = Handler()
controller = Controller(
    handler, hostname="127.0.0.1", port=int(sys.argv[6]), ssl_context=context if MODE == "tls" else None, **options
)
controller.start()
say({"listening": True})
for line in sys.stdin:
    handler.answer = line.strip()
    say({"answering": handler.answer})
controller.stop()
