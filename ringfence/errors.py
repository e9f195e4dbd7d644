"""Every error of ours. The message says what is wrong and what to do next, in one line.

RingfenceError              exit code 2, no traceback
├── SettingError            a setting is wrong or missing
├── FileError               a file is missing, unreadable or not what it should be
├── ResourceBusyError       a port, a folder or a number is in use
├── BrokerError             the broker cannot do what was asked
│   ├── UnreachableError    nobody answers there
│   ├── CertificateError    its certificate cannot be trusted, or it has none
│   ├── LoginError          user or password refused
│   ├── NotAllowedError     the broker's ACLs refuse it
│   ├── TooLargeError       a record is larger than its topic takes
│   ├── NoAnswerError       the client waits for an answer that does not come
│   └── FencedError         another process took over this transactional id
├── RegistryError           the schema registry does not answer, or not as it should
│   └── RegistryRefusedError  it refuses our schema
├── ModelError              a model cannot be used, or no longer answers as it should
├── PolicyError             a policy bundle that must not be used
└── BooksError              the accounts do not balance

RecordError                 a record that a stage cannot take: it goes to the dead letters
"""


class RingfenceError(Exception):
    """Stops the program with one line and exit code 2. ``retriable``: the same call may work later."""

    retriable = False


class SettingError(RingfenceError):
    """A setting is wrong or missing."""


class FileError(RingfenceError):
    """A file is missing, unreadable or not what it should be."""


class ResourceBusyError(RingfenceError):
    """A port, a folder or a number is in use."""


class BrokerError(RingfenceError):
    """The broker cannot do what was asked."""

    retriable = True


class UnreachableError(BrokerError):
    """Nobody answers at the bootstrap address."""


class CertificateError(BrokerError):
    """The broker's certificate cannot be trusted, or its listener speaks no TLS."""

    retriable = False


class NoAnswerError(BrokerError):
    """The client waits for an answer that does not come: nobody knows what became of the request. Start anew."""

    retriable = False


class LoginError(BrokerError):
    """The broker refused the user or the password."""

    retriable = False


class NotAllowedError(BrokerError):
    """The broker's ACLs refuse the operation."""

    retriable = False


class TooLargeError(BrokerError):
    """A record is larger than its topic takes."""

    retriable = False


class FencedError(BrokerError):
    """Another process took over this transactional id: this one must stop."""

    retriable = False


class RegistryError(RingfenceError):
    """The schema registry does not answer, or not as it should."""

    retriable = True


class RegistryRefusedError(RegistryError):
    """The schema registry refuses our schema, or us."""

    retriable = False


class ModelError(RingfenceError):
    """A model cannot be used, or no longer answers as it should: nothing that it says may go on."""


class PolicyError(RingfenceError):
    """A policy bundle that must not be used."""


class BooksError(RingfenceError):
    """The accounts do not balance."""


class RecordError(ValueError):
    """A record that a stage cannot take. The message never quotes what is in it: it is kept with the record."""
