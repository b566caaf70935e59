"""A tenant's own API keys: create, list and revoke.

The first key of a tenant comes from an administrator: `admin/create_tenant_api_key`.
"""
