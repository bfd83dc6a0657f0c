"""Count null and absent fields apart

The profiles from before only say whether a field was there, so the next load of an endpoint has none to compare with.
"""

from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM ops.profiles")


def downgrade() -> None:
    op.execute("DELETE FROM ops.profiles")
