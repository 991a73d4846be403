"""What the two ways of access to Instagram differ in: hosts, app, and whose secret signs.

Facebook Login goes through the Facebook app and a page that is linked with the account; Instagram Login
through an Instagram app with an id and a secret of its own.
"""

from dataclasses import dataclass

from infra.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One way, as the settings say; `by_page`: Facebook Login. `timeout` in seconds."""

    by_page: bool
    graph_url: str
    login_url: str
    version: str
    app_id: str | None
    app_secret: str | None
    timeout: float

    @property
    def proof_secret(self) -> str | None:
        """The secret for `appsecret_proof`, which is documented for Facebook's host alone; else None."""
        return self.app_secret if self.by_page else None


def access(settings: Settings) -> Access:
    """The way of access that `instagram_login` names."""
    by_page = settings.instagram_login == "facebook"
    return Access(
        by_page=by_page,
        graph_url=settings.instagram_graph_url
        or ("https://graph.facebook.com" if by_page else "https://graph.instagram.com"),
        login_url=settings.instagram_login_url
        or (settings.facebook_login_url if by_page else "https://www.instagram.com"),
        version=settings.facebook_graph_version,
        app_id=settings.facebook_app_id if by_page else settings.instagram_app_id,
        app_secret=_secret_of(settings, settings.instagram_login),
        timeout=settings.posting_timeout,
    )


def signing_secret(settings: Settings) -> str | None:
    """The secret that signs webhooks: that of the login's app, if the settings do not name the other."""
    return _secret_of(settings, settings.instagram_signed_by or settings.instagram_login)


def _secret_of(settings: Settings, app: str) -> str | None:
    secret = settings.facebook_app_secret if app == "facebook" else settings.instagram_app_secret
    return secret.get_secret_value() if secret else None
