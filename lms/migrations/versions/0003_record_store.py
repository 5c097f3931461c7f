"""The record store as the whole standard asks for it.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_WIDER = {
    'ix_lms_statement_actor': ['institution_id', 'actor', 'stored', 'id', 'verb'],
    'ix_lms_statement_activity': ['institution_id', 'activity', 'stored', 'id', 'verb'],
}

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True), "postgresql"
)


def upgrade() -> None:
    _links()
    _attachments()
    _documents()
    _credentials()
    _forwarding()


def downgrade() -> None:
    _drop_forwarding()
    _drop_credentials()
    _drop_documents()
    _drop_attachments()
    _drop_links()


def _links() -> None:
    """What statements are found by beside their own columns."""
    for name, told in _WIDER.items():
        op.drop_index(name, 'lms_statement')
        op.create_index(name, 'lms_statement', told)
    op.drop_index('ix_lms_statement_registration', 'lms_statement')
    op.create_index('ix_lms_statement_registration', 'lms_statement', ['institution_id', 'registration', 'stored'])
    op.create_index('ix_lms_statement_verb', 'lms_statement', ['institution_id', 'verb', 'stored'])
    op.create_index('ix_lms_statement_authority', 'lms_statement', ['institution_id', 'authority', 'stored'])
    op.create_table('lms_statement_link',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('term', sa.BigInteger(), nullable=False),
    sa.Column('stored', sa.DateTime(timezone=True), nullable=False),
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('of_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('institution_id', 'term', 'stored', 'row_id', 'of_id', name=op.f('pk_lms_statement_link')),
    sqlite_with_rowid=False
    )
    op.create_table('lms_statement_reference',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('stored', sa.DateTime(timezone=True), nullable=False),
    sa.Column('target', sa.String(), nullable=False),
    sa.Column('of_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_statement_reference_institution_id')),
    sa.ForeignKeyConstraint(['of_id'], ['lms_statement.id'], name=op.f('fk_lms_statement_reference_of_id')),
    sa.ForeignKeyConstraint(['row_id'], ['lms_statement.id'], name=op.f('fk_lms_statement_reference_row_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_statement_reference')),
    sa.UniqueConstraint('row_id', name=op.f('uq_lms_statement_reference_row_id'))
    )
    op.create_index('ix_lms_statement_reference_target', 'lms_statement_reference', ['institution_id', 'target'])
    op.create_index('ix_lms_statement_reference_of', 'lms_statement_reference', ['of_id', 'stored'])


def _drop_links() -> None:
    op.drop_table('lms_statement_reference')
    op.drop_table('lms_statement_link')
    op.drop_index('ix_lms_statement_authority', 'lms_statement')
    op.drop_index('ix_lms_statement_verb', 'lms_statement')
    for name, told in _WIDER.items():
        op.drop_index(name, 'lms_statement')
        op.create_index(name, 'lms_statement', told[:3])
    op.drop_index('ix_lms_statement_registration', 'lms_statement')
    op.create_index('ix_lms_statement_registration', 'lms_statement', ['registration', 'stored'])


def _attachments() -> None:
    """Files that came with statements."""
    op.create_table(
        "lms_statement_attachment",
        sa.Column("institution_id", _ID, nullable=False),
        sa.Column("statement_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha2", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["lms_institution.id"],
            name=op.f("fk_lms_statement_attachment_institution_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lms_statement_attachment")),
        sa.UniqueConstraint(
            "institution_id",
            "statement_id",
            "number",
            name=op.f("uq_lms_statement_attachment_institution_id_statement_id_number"),
        ),
    )


def _drop_attachments() -> None:
    op.drop_table("lms_statement_attachment")


def _documents() -> None:
    """States and profiles, and what is known of activities."""
    op.create_table(
        "lms_xapi_activity",
        sa.Column("institution_id", _ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("iri", sa.String(), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("is_ours", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["lms_institution.id"],
            name=op.f("fk_lms_xapi_activity_institution_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lms_xapi_activity")),
        sa.UniqueConstraint(
            "institution_id", "key", name=op.f("uq_lms_xapi_activity_institution_id_key")
        ),
    )
    op.create_table(
        "lms_xapi_document",
        sa.Column("institution_id", _ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("activity", sa.String(), nullable=True),
        sa.Column("agent", sa.String(), nullable=True),
        sa.Column("registration", sa.String(), nullable=True),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["lms_institution.id"],
            name=op.f("fk_lms_xapi_document_institution_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lms_xapi_document")),
        sa.UniqueConstraint(
            "institution_id", "place", name=op.f("uq_lms_xapi_document_institution_id_place")
        ),
    )
    op.create_index(
        "ix_lms_xapi_document_listing",
        "lms_xapi_document",
        ["institution_id", "kind", "scope", "updated_at"],
    )
    op.create_index("ix_lms_xapi_document_agent", "lms_xapi_document", ["institution_id", "agent"])


def _drop_documents() -> None:
    op.drop_table("lms_xapi_document")
    op.drop_table("lms_xapi_activity")


def _credentials() -> None:
    """Who may write and read: secrets that are renewed, and when they were used."""
    op.add_column("lms_credential", sa.Column("old_secret_hash", sa.String()))
    op.add_column("lms_credential", sa.Column("old_until", sa.DateTime(timezone=True)))
    op.add_column("lms_credential", sa.Column("last_used_at", sa.DateTime(timezone=True)))


def _drop_credentials() -> None:
    with op.batch_alter_table("lms_credential") as batch:
        for name in ("last_used_at", "old_until", "old_secret_hash"):
            batch.drop_column(name)


def _forwarding() -> None:
    """Other record stores that are told; completions whose statements were voided."""
    op.create_table(
        "lms_completion_review",
        sa.Column("institution_id", _ID, nullable=False),
        sa.Column("completion_id", _ID, nullable=False),
        sa.Column("statements", _JSON, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("actor_id", _ID, nullable=True),
        sa.Column("id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["lms_institution.id"],
            name=op.f("fk_lms_completion_review_institution_id"),
        ),
        sa.ForeignKeyConstraint(
            ["completion_id"],
            ["lms_completion.id"],
            name=op.f("fk_lms_completion_review_completion_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lms_completion_review")),
    )
    op.create_index(
        "uq_lms_completion_review_open",
        "lms_completion_review",
        ["completion_id"],
        unique=True,
        sqlite_where=sa.text("decided_at IS NULL"),
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_index(
        "ix_lms_completion_review_waiting",
        "lms_completion_review",
        ["institution_id", "decided_at", "id"],
    )
    op.add_column("lms_enrolment", sa.Column("voided_at", sa.DateTime(timezone=True)))
    op.create_table(
        "lms_forward",
        sa.Column("institution_id", _ID, nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("name", "url", "version", "sealed")
        ),
        *(
            sa.Column(name, sa.String(), nullable=True)
            for name in ("verb", "activity", "registration", "last_error")
        ),
        sa.Column("run_id", _ID, nullable=True),
        *(sa.Column(name, _ID, nullable=False) for name in ("cursor", "sent", "refused")),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=True)
            for name in ("paused_at", "removed_at", "retry_at", "last_error_at", "last_success_at")
        ),
        sa.Column("id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["lms_institution.id"],
            name=op.f("fk_lms_forward_institution_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lms_forward")),
    )
    op.create_index("ix_lms_forward_institution", "lms_forward", ["institution_id", "removed_at"])
    op.create_table(
        "lms_forward_refusal",
        sa.Column("institution_id", _ID, nullable=False),
        sa.Column("forward_id", _ID, nullable=False),
        sa.Column("statement_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["lms_institution.id"],
            name=op.f("fk_lms_forward_refusal_institution_id"),
        ),
        sa.ForeignKeyConstraint(
            ["forward_id"],
            ["lms_forward.id"],
            name=op.f("fk_lms_forward_refusal_forward_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lms_forward_refusal")),
        sa.UniqueConstraint(
            "forward_id",
            "statement_id",
            name=op.f("uq_lms_forward_refusal_forward_id_statement_id"),
        ),
    )


def _drop_forwarding() -> None:
    op.drop_table("lms_forward_refusal")
    op.drop_table("lms_forward")
    op.drop_column("lms_enrolment", "voided_at")
    op.drop_table("lms_completion_review")
