"""Where the pages lie inside the report."""

from hashlib import sha256


def asset_href(asset_id: str) -> str:
    """The page of an asset; the registry allows only names that are file names."""
    return f"pages/asset-{asset_id}.html"


def site_href(site_id: str) -> str:
    """The page of a site, whose name may be any text: what is no file name is replaced, and a hash keeps it unique."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in site_id)[:60]
    mark = "" if plain == site_id else "-" + sha256(site_id.encode()).hexdigest()[:8]
    return f"pages/site-{plain}{mark}.html"
