"""syslog and _sysconfig: constants, masks, what is audited, the words of the errors."""
import _sysconfig
import sys
import syslog

print({n: v for n, v in vars(syslog).items() if n.startswith("LOG_") and isinstance(v, int)} ==
      dict(LOG_EMERG=0, LOG_ALERT=1, LOG_CRIT=2, LOG_ERR=3, LOG_WARNING=4, LOG_NOTICE=5, LOG_INFO=6, LOG_DEBUG=7,
           LOG_PID=1, LOG_CONS=2, LOG_NDELAY=8, LOG_ODELAY=4, LOG_NOWAIT=16, LOG_PERROR=32, LOG_SYSLOG=40,
           LOG_CRON=72, LOG_UUCP=64, LOG_NEWS=56, LOG_AUTHPRIV=80, LOG_FTP=88, LOG_KERN=0, LOG_USER=8, LOG_MAIL=16,
           LOG_DAEMON=24, LOG_AUTH=32, LOG_LPR=48, **{f"LOG_LOCAL{i}": 128 + 8 * i for i in range(8)}))
sys.argv[0] = "/somewhere/program"
sys.addaudithook(lambda event, args: print("audit", event, args) if event.startswith("syslog") else None)


def shown(name, *args, **kw):
    try:
        print(name, args, repr(getattr(syslog, name)(*args, **kw)))
    except Exception as e:
        print(name, ascii(args), type(e).__name__, e)


for args in (), (1,), ("a", "b"), (7, "written"), ("again",), (1, 2, 3), ("a\0b",), (1, "\ud800"):
    shown("syslog", *args)
for args in (1,), ("a", "b"), ("a", 1, 8), (), ("a\0b",), ("\ud800",), (1, 2, 3, 4), (None,):
    shown("openlog", *args)
shown("openlog", ident="name", facility=syslog.LOG_DAEMON)
shown("syslog", "under a name")
for args in (), (1,):
    shown("closelog", *args)
for args in ("a",), (0,), (255,), (1 << 40,), (1 << 70,):
    shown("setlogmask", *args)
for args in (3,), (100,), (-1,), (31,), (), ("a",):
    shown("LOG_MASK", *args)
    shown("LOG_UPTO", *args)
print(_sysconfig.config_vars())
