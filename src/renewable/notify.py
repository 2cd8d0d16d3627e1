"""Sends a message to wherever the operator wants it: mail, chat, a webhook; one URL each, by Apprise."""

from collections.abc import Sequence

from renewable.errors import RenewableError


class NotifyError(RenewableError):
    """A message did not reach every address."""


def notify(urls: Sequence[str], title: str, body: str) -> None:
    """Send to all of `urls` (https://appriseit.com). Raises NotifyError naming the service that failed, not the URL:
    it may hold a password."""
    import apprise

    failed = []
    for url in urls:
        service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        scheme = url.split(":", 1)[0]
        if service is None:
            raise NotifyError(f"RENEWABLE_ALERT_URLS: Apprise knows no service for the {scheme}:// address")
        if not service.notify(title=title, body=body, notify_type=apprise.NotifyType.FAILURE):
            failed.append(f"{scheme}://{getattr(service, 'host', '')}")
    if failed:
        raise NotifyError(f"no alert reached {', '.join(failed)}: check RENEWABLE_ALERT_URLS and the service")
