"""A registry that images are pushed to."""

import dataclasses
from typing import TypedDict

import pulumi


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RegistryArgs:
    """Where the registry is, and who may push."""

    address: pulumi.Input[str]
    """``host[:port][/path]``."""
    username: pulumi.Input[str] | None = None
    password: pulumi.Input[str] | None = None
    """None: the credentials are those of the user's Docker configuration (``docker login``). They are no input then, so
    they are not in the state, and a new token changes nothing."""


class Login(TypedDict):
    """The credentials, in the words of the build engines."""

    address: pulumi.Input[str]
    username: pulumi.Input[str] | None
    password: pulumi.Input[str]


class Registry(pulumi.ComponentResource):
    """A registry for the images of an application, or for `Image`."""

    address: pulumi.Output[str]
    known_address: str | None
    """The address, if it is no Output."""
    login: Login | None
    """None: without a password."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("seaway:index:Registry", name, None, opts)
        self.address = pulumi.Output.from_input(args.address)
        self.known_address = args.address if isinstance(args.address, str) else None
        self.login = None
        if args.password is not None:
            password = pulumi.Output.secret(args.password)
            self.login = Login(address=args.address, username=args.username, password=password)
        self.register_outputs({"address": self.address})
