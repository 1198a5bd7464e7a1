"""Test functions here may be coroutines."""

from tests.control.aio import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]
