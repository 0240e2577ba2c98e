"""The settings of the NATS bus, beside its URL."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class NatsSettings(BaseModel):
    """Who we are to a NATS server, how we reach it, and what its streams may hold. Times in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    user: str = Field("", description="The NATS user, unless the URL has it.")
    password: SecretStr = Field(SecretStr(""), description="Its password, unless the URL has it.")
    token: SecretStr = Field(SecretStr(""), description="A NATS token, for servers that ask for one.")
    credentials: str = Field("", description="A NATS credentials file (`.creds`).")
    nkey: SecretStr = Field(SecretStr(""), description="The seed of an nkey.")
    tls: bool = Field(False, description="Refuse to speak to a NATS server without TLS; the scheme `tls://` says the same.")
    tls_ca: str = Field("", description="A file with the certificates to trust, instead of the system's.")
    tls_cert: str = Field("", description="A file with our own certificate, for servers that ask for one.")
    tls_key: str = Field("", description="The file with its key.")
    replicas: int = Field(1, ge=1, le=5, description="On how many NATS servers each message is kept; 3 in a cluster.")
    ingress_bytes: int = Field(1024**3, ge=1024**2, description="How much may wait at the door before senders are told to come later.")
    log_days: float = Field(30.0, ge=7, description="How long the log topics (completion, dead letters) keep a message.")
    connect_seconds: float = Field(10.0, gt=0, le=300, description="How long a start waits for the NATS server.")
    publish_seconds: float = Field(12.0, ge=1, le=300, description="How long a publish is tried again before it is given up.")
