"""Which names `SSLContext.wrap_bio` wants, and of whom."""
import ssl


def attempt(context, **arguments):
    try:
        print(arguments, type(context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), **arguments)).__name__)
    except ValueError as error:
        print(arguments, type(error).__name__, error)


checking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
trusting.check_hostname = False
for context in (checking, trusting, serving):
    print("--", context.protocol.name, context.check_hostname)
    for server_side in (False, True):
        if server_side != (context is serving) and context is not checking:
            continue
        for name in (None, "", "a.b", ".a"):
            attempt(context, server_side=server_side, server_hostname=name)
