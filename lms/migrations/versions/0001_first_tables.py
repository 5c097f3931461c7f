"""first tables"""

import sqlalchemy as sa
from alembic import op

from lms.db import append_only
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _upgrade_tables()
    for statement in append_only.statements(op.get_bind().dialect.name):
        op.execute(statement)


def _upgrade_tables() -> None:
    op.create_table('lms_institution',
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('short_name', sa.String(), nullable=False),
    sa.Column('host', sa.String(), nullable=True),
    sa.Column('zone', sa.String(), nullable=False),
    sa.Column('home_page', sa.String(), nullable=False),
    sa.Column('settings', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_institution')),
    sa.UniqueConstraint('code', name=op.f('uq_lms_institution_code')),
    sa.UniqueConstraint('home_page', name=op.f('uq_lms_institution_home_page')),
    sa.UniqueConstraint('host', name=op.f('uq_lms_institution_host'))
    )
    op.create_table('lms_job_run',
    sa.Column('job', sa.String(), nullable=False),
    sa.Column('slot', sa.DateTime(timezone=True), nullable=False),
    sa.Column('holder', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_job_run')),
    sa.UniqueConstraint('job', 'slot', name=op.f('uq_lms_job_run_job_slot'))
    )
    op.create_table('lms_lease',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('holder', sa.String(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_lease')),
    sa.UniqueConstraint('name', name=op.f('uq_lms_lease_name'))
    )
    op.create_table('lms_ping',
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('enrolment_id', sa.Integer(), nullable=False),
    sa.Column('activity_id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('said', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('claimed_ms', sa.Integer(), nullable=False),
    sa.Column('credited_ms', sa.Integer(), nullable=False),
    sa.Column('refusal', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_ping')),
    sa.UniqueConstraint('token', 'seq', name=op.f('uq_lms_ping_token_seq'))
    )
    op.create_table('lms_task',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('payload', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('claimed_by', sa.String(), nullable=True),
    sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_task')),
    sa.UniqueConstraint('key', name=op.f('uq_lms_task_key'))
    )
    with op.batch_alter_table('lms_task', schema=None) as batch_op:
        batch_op.create_index('ix_lms_task_open', ['due'], unique=False, sqlite_where=sa.text('done_at IS NULL'), postgresql_where=sa.text('done_at IS NULL'))

    op.create_table('lms_tries',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('window', sa.Integer(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_tries')),
    sa.UniqueConstraint('key', 'window', name=op.f('uq_lms_tries_key_window'))
    )
    op.create_table('lms_access',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('act', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_access_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_access'))
    )
    with op.batch_alter_table('lms_access', schema=None) as batch_op:
        batch_op.create_index('ix_lms_access_at', ['institution_id', 'at'], unique=False)

    op.create_table('lms_audit',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('act', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('detail', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_audit_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_audit'))
    )
    with op.batch_alter_table('lms_audit', schema=None) as batch_op:
        batch_op.create_index('ix_lms_audit_subject', ['institution_id', 'subject', 'subject_id'], unique=False)

    op.create_table('lms_course',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('summary', sa.String(), nullable=False),
    sa.Column('goals', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('training_kind', sa.String(), nullable=False),
    sa.Column('delivery_mode', sa.String(), nullable=False),
    sa.Column('recognised_minutes', sa.Integer(), nullable=False),
    sa.Column('task_code', sa.String(), nullable=True),
    sa.Column('task_name', sa.String(), nullable=True),
    sa.Column('goal_name', sa.String(), nullable=True),
    sa.Column('audience', sa.String(), nullable=True),
    sa.Column('planned_courses', sa.Integer(), nullable=True),
    sa.Column('planned_learners', sa.Integer(), nullable=True),
    sa.Column('legal_basis', sa.String(), nullable=True),
    sa.Column('duty', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('source_line', sa.Integer(), nullable=True),
    sa.Column('thumbnail', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_course_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_course')),
    sa.UniqueConstraint('institution_id', 'code', name=op.f('uq_lms_course_institution_id_code'))
    )
    op.create_table('lms_credential',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('username', sa.String(), nullable=False),
    sa.Column('secret_hash', sa.String(), nullable=False),
    sa.Column('scopes', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_credential_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_credential')),
    sa.UniqueConstraint('username', name=op.f('uq_lms_credential_username'))
    )
    op.create_table('lms_file',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('media_type', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_file_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_file')),
    sa.UniqueConstraint('institution_id', 'sha256', 'name', name=op.f('uq_lms_file_institution_id_sha256_name'))
    )
    op.create_table('lms_organisation',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('parent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('school_level', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_organisation_institution_id')),
    sa.ForeignKeyConstraint(['parent_id'], ['lms_organisation.id'], name=op.f('fk_lms_organisation_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_organisation')),
    sa.UniqueConstraint('institution_id', 'code', name=op.f('uq_lms_organisation_institution_id_code'))
    )
    op.create_table('lms_proof_day',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('root', sa.String(), nullable=False),
    sa.Column('head', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_proof_day_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_proof_day')),
    sa.UniqueConstraint('institution_id', 'day', name=op.f('uq_lms_proof_day_institution_id_day'))
    )
    op.create_table('lms_statement',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('statement_id', sa.String(), nullable=False),
    sa.Column('stored', sa.DateTime(timezone=True), nullable=False),
    sa.Column('timestamp', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('verb', sa.String(), nullable=False),
    sa.Column('activity', sa.String(), nullable=True),
    sa.Column('registration', sa.String(), nullable=True),
    sa.Column('authority', sa.String(), nullable=False),
    sa.Column('version', sa.String(), nullable=False),
    sa.Column('mark', sa.String(), nullable=False),
    sa.Column('raw', sa.LargeBinary(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_statement_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_statement')),
    sa.UniqueConstraint('institution_id', 'statement_id', name=op.f('uq_lms_statement_institution_id_statement_id'))
    )
    with op.batch_alter_table('lms_statement', schema=None) as batch_op:
        batch_op.create_index('ix_lms_statement_activity', ['institution_id', 'activity', 'stored'], unique=False)
        batch_op.create_index('ix_lms_statement_actor', ['institution_id', 'actor', 'stored'], unique=False)
        batch_op.create_index('ix_lms_statement_registration', ['registration', 'stored'], unique=False)
        batch_op.create_index('ix_lms_statement_stored', ['institution_id', 'stored'], unique=False)

    op.create_table('lms_voiding',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('target', sa.String(), nullable=False),
    sa.Column('statement_id', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_voiding_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_voiding')),
    sa.UniqueConstraint('institution_id', 'target', name=op.f('uq_lms_voiding_institution_id_target'))
    )
    op.create_table('lms_course_version',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('course_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['course_id'], ['lms_course.id'], name=op.f('fk_lms_course_version_course_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_course_version_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_course_version')),
    sa.UniqueConstraint('course_id', 'number', name=op.f('uq_lms_course_version_course_id_number'))
    )
    op.create_table('lms_person',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('issuer', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('account_name', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('email', sa.String(), nullable=True),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('staff_category', sa.String(), nullable=False),
    sa.Column('rank', sa.String(), nullable=True),
    sa.Column('occupation', sa.String(), nullable=True),
    sa.Column('first_appointed_on', sa.Date(), nullable=True),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('birth_date_sealed', sa.String(), nullable=True),
    sa.Column('neis_sealed', sa.String(), nullable=True),
    sa.Column('neis_mark', sa.String(), nullable=True),
    sa.Column('locale', sa.String(), nullable=True),
    sa.Column('theme', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_person_institution_id')),
    sa.ForeignKeyConstraint(['organisation_id'], ['lms_organisation.id'], name=op.f('fk_lms_person_organisation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_person')),
    sa.UniqueConstraint('institution_id', 'account_name', name=op.f('uq_lms_person_institution_id_account_name')),
    sa.UniqueConstraint('institution_id', 'issuer', 'subject', name=op.f('uq_lms_person_institution_id_issuer_subject'))
    )
    with op.batch_alter_table('lms_person', schema=None) as batch_op:
        batch_op.create_index('ix_lms_person_name', ['institution_id', 'name', 'id'], unique=False)
        batch_op.create_index('ix_lms_person_neis', ['institution_id', 'neis_mark'], unique=False)
        batch_op.create_index(batch_op.f('ix_lms_person_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('lms_account',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('login', sa.String(), nullable=False),
    sa.Column('password_hash', sa.String(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_account_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_account_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_account')),
    sa.UniqueConstraint('institution_id', 'login', name=op.f('uq_lms_account_institution_id_login')),
    sa.UniqueConstraint('person_id', name=op.f('uq_lms_account_person_id'))
    )
    with op.batch_alter_table('lms_account', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_account_login'), ['login'], unique=False)

    op.create_table('lms_recognised_time',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('credits', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_recognised_time_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_recognised_time_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_recognised_time')),
    sa.UniqueConstraint('source', 'source_id', name=op.f('uq_lms_recognised_time_source_source_id'))
    )
    with op.batch_alter_table('lms_recognised_time', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_recognised_time_person_id'), ['person_id'], unique=False)

    op.create_table('lms_role_grant',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=True),
    sa.Column('granted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_role_grant_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_role_grant_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_role_grant'))
    )
    with op.batch_alter_table('lms_role_grant', schema=None) as batch_op:
        batch_op.create_index('uq_lms_role_grant_current', ['person_id', 'role', 'run_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL AND run_id IS NOT NULL'), postgresql_where=sa.text('ended_at IS NULL AND run_id IS NOT NULL'))
        batch_op.create_index('uq_lms_role_grant_current_all', ['person_id', 'role'], unique=True, sqlite_where=sa.text('ended_at IS NULL AND run_id IS NULL'), postgresql_where=sa.text('ended_at IS NULL AND run_id IS NULL'))

    op.create_table('lms_run',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('course_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('learn_from', sa.Date(), nullable=False),
    sa.Column('learn_until', sa.Date(), nullable=False),
    sa.Column('seats', sa.Integer(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('rule', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('serial', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('learn_from <= learn_until', name=op.f('ck_lms_run_period')),
    sa.ForeignKeyConstraint(['course_id'], ['lms_course.id'], name=op.f('fk_lms_run_course_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_run_institution_id')),
    sa.ForeignKeyConstraint(['version_id'], ['lms_course_version.id'], name=op.f('fk_lms_run_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_run')),
    sa.UniqueConstraint('course_id', 'year', 'number', name=op.f('uq_lms_run_course_id_year_number'))
    )
    op.create_table('lms_sign_in',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token_hash', sa.String(), nullable=False),
    sa.Column('device', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_sign_in_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_sign_in_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_sign_in')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_lms_sign_in_token_hash'))
    )
    with op.batch_alter_table('lms_sign_in', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_sign_in_person_id'), ['person_id'], unique=False)

    op.create_table('lms_unit',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_unit_institution_id')),
    sa.ForeignKeyConstraint(['version_id'], ['lms_course_version.id'], name=op.f('fk_lms_unit_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_unit')),
    sa.UniqueConstraint('version_id', 'position', name=op.f('uq_lms_unit_version_id_position'))
    )
    op.create_table('lms_activity',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('unit_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('weight_ms', sa.Integer(), nullable=False),
    sa.Column('config', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_activity_institution_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['lms_unit.id'], name=op.f('fk_lms_activity_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_activity')),
    sa.UniqueConstraint('unit_id', 'position', name=op.f('uq_lms_activity_unit_id_position'))
    )
    op.create_table('lms_enrolment',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('registration', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('enrolled_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('progress_permille', sa.Integer(), nullable=False),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('need_ms', sa.Integer(), nullable=False),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_activity_id', sa.Integer(), nullable=True),
    sa.Column('last_position_ms', sa.Integer(), nullable=False),
    sa.Column('last_act_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_enrolment_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_enrolment_person_id')),
    sa.ForeignKeyConstraint(['run_id'], ['lms_run.id'], name=op.f('fk_lms_enrolment_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_enrolment')),
    sa.UniqueConstraint('registration', name=op.f('uq_lms_enrolment_registration')),
    sa.UniqueConstraint('run_id', 'person_id', 'attempt', name=op.f('uq_lms_enrolment_run_id_person_id_attempt'))
    )
    with op.batch_alter_table('lms_enrolment', schema=None) as batch_op:
        batch_op.create_index('ix_lms_enrolment_person', ['person_id', 'state'], unique=False)

    op.create_table('lms_reset_token',
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token_hash', sa.String(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['lms_account.id'], name=op.f('fk_lms_reset_token_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_reset_token')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_lms_reset_token_token_hash'))
    )
    with op.batch_alter_table('lms_reset_token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_reset_token_account_id'), ['account_id'], unique=False)

    op.create_table('lms_activity_result',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('activity_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('progress_permille', sa.Integer(), nullable=False),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('passed', sa.Boolean(), nullable=True),
    sa.Column('done', sa.Boolean(), nullable=False),
    sa.Column('statements', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['activity_id'], ['lms_activity.id'], name=op.f('fk_lms_activity_result_activity_id')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_activity_result_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_activity_result_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_activity_result')),
    sa.UniqueConstraint('enrolment_id', 'activity_id', name=op.f('uq_lms_activity_result_enrolment_id_activity_id'))
    )
    op.create_table('lms_completion',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('progress_permille', sa.Integer(), nullable=False),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('verdict', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('evaluator', sa.String(), nullable=False),
    sa.Column('proof', sa.String(), nullable=False),
    sa.Column('review', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_completion_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_completion_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_completion')),
    sa.UniqueConstraint('enrolment_id', name=op.f('uq_lms_completion_enrolment_id'))
    )
    with op.batch_alter_table('lms_completion', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_completion_institution_id'), ['institution_id'], unique=False)

    op.create_table('lms_coverage',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('activity_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('intervals', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('covered_ms', sa.Integer(), nullable=False),
    sa.Column('position_ms', sa.Integer(), nullable=False),
    sa.Column('stated_ms', sa.Integer(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['activity_id'], ['lms_activity.id'], name=op.f('fk_lms_coverage_activity_id')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_coverage_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_coverage_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_coverage')),
    sa.UniqueConstraint('enrolment_id', 'activity_id', name=op.f('uq_lms_coverage_enrolment_id_activity_id'))
    )
    op.create_table('lms_learning_session',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token', sa.String(), nullable=False),
    sa.Column('device', sa.String(), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('activity_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('credited_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mono_ms', sa.Integer(), nullable=False),
    sa.Column('boot', sa.String(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['activity_id'], ['lms_activity.id'], name=op.f('fk_lms_learning_session_activity_id')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_learning_session_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_learning_session_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_learning_session_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_learning_session')),
    sa.UniqueConstraint('person_id', name=op.f('uq_lms_learning_session_person_id')),
    sa.UniqueConstraint('token', name=op.f('uq_lms_learning_session_token'))
    )
    op.create_table('lms_quiz_attempt',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('activity_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('marks', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['activity_id'], ['lms_activity.id'], name=op.f('fk_lms_quiz_attempt_activity_id')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_quiz_attempt_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_quiz_attempt_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_quiz_attempt')),
    sa.UniqueConstraint('enrolment_id', 'activity_id', 'number', name=op.f('uq_lms_quiz_attempt_enrolment_id_activity_id_number'))
    )
    op.create_table('lms_recount_finding',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('detail', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_recount_finding_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_recount_finding_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_recount_finding'))
    )
    with op.batch_alter_table('lms_recount_finding', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_recount_finding_institution_id'), ['institution_id'], unique=False)

    op.create_table('lms_certificate',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('completion_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.String(), nullable=False),
    sa.Column('serial', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('payload', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paper_id', sa.Integer(), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_class', sa.String(), nullable=True),
    sa.Column('revoked_reason', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['completion_id'], ['lms_completion.id'], name=op.f('fk_lms_certificate_completion_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_certificate_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_certificate_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_certificate')),
    sa.UniqueConstraint('code', name=op.f('uq_lms_certificate_code')),
    sa.UniqueConstraint('completion_id', name=op.f('uq_lms_certificate_completion_id')),
    sa.UniqueConstraint('institution_id', 'number', name=op.f('uq_lms_certificate_institution_id_number'))
    )
    with op.batch_alter_table('lms_certificate', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_certificate_person_id'), ['person_id'], unique=False)

    op.create_table('lms_quiz_answer',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('attempt_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question', sa.String(), nullable=False),
    sa.Column('value', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('client_id', sa.String(), nullable=False),
    sa.Column('client_seq', sa.Integer(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['lms_quiz_attempt.id'], name=op.f('fk_lms_quiz_answer_attempt_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_quiz_answer_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_quiz_answer')),
    sa.UniqueConstraint('attempt_id', 'question', name=op.f('uq_lms_quiz_answer_attempt_id_question'))
    )


def downgrade() -> None:
    for statement in append_only.drop_statements(op.get_bind().dialect.name):
        op.execute(statement)
    _downgrade_tables()


def _downgrade_tables() -> None:
    op.drop_table('lms_quiz_answer')
    with op.batch_alter_table('lms_certificate', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_certificate_person_id'))

    op.drop_table('lms_certificate')
    with op.batch_alter_table('lms_recount_finding', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_recount_finding_institution_id'))

    op.drop_table('lms_recount_finding')
    op.drop_table('lms_quiz_attempt')
    op.drop_table('lms_learning_session')
    op.drop_table('lms_coverage')
    with op.batch_alter_table('lms_completion', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_completion_institution_id'))

    op.drop_table('lms_completion')
    op.drop_table('lms_activity_result')
    with op.batch_alter_table('lms_reset_token', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_reset_token_account_id'))

    op.drop_table('lms_reset_token')
    with op.batch_alter_table('lms_enrolment', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_enrolment_person')

    op.drop_table('lms_enrolment')
    op.drop_table('lms_activity')
    op.drop_table('lms_unit')
    with op.batch_alter_table('lms_sign_in', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_sign_in_person_id'))

    op.drop_table('lms_sign_in')
    op.drop_table('lms_run')
    with op.batch_alter_table('lms_role_grant', schema=None) as batch_op:
        batch_op.drop_index('uq_lms_role_grant_current_all', sqlite_where=sa.text('ended_at IS NULL AND run_id IS NULL'), postgresql_where=sa.text('ended_at IS NULL AND run_id IS NULL'))
        batch_op.drop_index('uq_lms_role_grant_current', sqlite_where=sa.text('ended_at IS NULL AND run_id IS NOT NULL'), postgresql_where=sa.text('ended_at IS NULL AND run_id IS NOT NULL'))

    op.drop_table('lms_role_grant')
    with op.batch_alter_table('lms_recognised_time', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_recognised_time_person_id'))

    op.drop_table('lms_recognised_time')
    with op.batch_alter_table('lms_account', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_account_login'))

    op.drop_table('lms_account')
    with op.batch_alter_table('lms_person', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_person_organisation_id'))
        batch_op.drop_index('ix_lms_person_neis')
        batch_op.drop_index('ix_lms_person_name')

    op.drop_table('lms_person')
    op.drop_table('lms_course_version')
    op.drop_table('lms_voiding')
    with op.batch_alter_table('lms_statement', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_statement_stored')
        batch_op.drop_index('ix_lms_statement_registration')
        batch_op.drop_index('ix_lms_statement_actor')
        batch_op.drop_index('ix_lms_statement_activity')

    op.drop_table('lms_statement')
    op.drop_table('lms_proof_day')
    op.drop_table('lms_organisation')
    op.drop_table('lms_file')
    op.drop_table('lms_credential')
    op.drop_table('lms_course')
    with op.batch_alter_table('lms_audit', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_audit_subject')

    op.drop_table('lms_audit')
    with op.batch_alter_table('lms_access', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_access_at')

    op.drop_table('lms_access')
    op.drop_table('lms_tries')
    with op.batch_alter_table('lms_task', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_task_open', sqlite_where=sa.text('done_at IS NULL'), postgresql_where=sa.text('done_at IS NULL'))

    op.drop_table('lms_task')
    op.drop_table('lms_ping')
    op.drop_table('lms_lease')
    op.drop_table('lms_job_run')
    op.drop_table('lms_institution')
