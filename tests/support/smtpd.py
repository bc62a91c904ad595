"""An SMTP server on loopback that takes mail over STARTTLS, from one user: prints its port, then one mail a line as JSON."""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Taker:
    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "text": envelope.content.decode(),
            "tls": session.ssl is not None,
            "user": session.authenticated,
        }
        print(json.dumps(mail), flush=True)
        return "250 taken"


def is_known(server, session, envelope, mechanism, login):
    known = (login.login, login.password) == (b"me", sys.argv[3].encode())
    return AuthResult(success=known, handled=False)


async def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1], sys.argv[2])

    def serve():
        return SMTP(
            Taker(),
            tls_context=context,
            require_starttls=True,
            authenticator=is_known,
            auth_required=True,
        )

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with whoever started it.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
