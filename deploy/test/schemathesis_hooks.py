"""Hooks of schemathesis, named by SCHEMATHESIS_HOOKS."""

import schemathesis


@schemathesis.hook
def filter_query(context, query):
    """Leaves out parameters that never reach the shop.

    An empty array or object isn't written into the query. schemathesis would take the
    request without that parameter for a wrong one that the shop accepts.
    """
    return not any(value in ([], {}) for value in (query or {}).values())
