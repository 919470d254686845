"""A client of a mail sink: python3 mail_client.py HOST PORT. Prints `NAME: fine` for each of its checks, or fails."""

import smtplib
import sys
from email.message import EmailMessage

HOST = sys.argv[1]
PORT = int(sys.argv[2])


def delivered():
    message = EmailMessage()
    message["From"] = "ada@x.invalid"
    message["To"] = "bob@y.invalid, cyd@y.invalid"
    message["Subject"] = "Grüße"
    message.set_content("A line.\n.\n.. and dots, ünd umlauts\n" * 1000)
    with smtplib.SMTP(HOST, PORT, timeout=30) as client:
        assert client.ehlo()[0] == 250
        assert client.has_extn("size")
        assert client.send_message(message) == {}
        assert client.noop()[0] == 250


def refused():
    with smtplib.SMTP(HOST, PORT, timeout=30) as client:
        client.helo()
        assert client.docmd("DATA")[0] == 503
        assert client.docmd("NONSENSE")[0] == 500
        assert client.rset()[0] == 250
        try:
            client.sendmail("a@x.invalid", ["<>"], "text")
        except smtplib.SMTPRecipientsRefused as error:
            assert list(error.recipients.values())[0][0] == 501
        else:
            raise AssertionError("it was taken")


def many():
    with smtplib.SMTP(HOST, PORT, timeout=30) as client:
        for n in range(50):
            assert client.sendmail("a@x.invalid", ["b@x.invalid"], "mail %d" % n) == {}


for check in (delivered, refused, many):
    check()
    print(check.__name__ + ": fine", flush=True)
