"""courses made here, runs and their learners"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_lms_audit_at', 'lms_audit', ['institution_id', 'at'])
    op.create_index('ix_lms_enrolment_run', 'lms_enrolment', ['run_id', 'state', 'person_id'])
    op.create_index('ix_lms_role_grant_person', 'lms_role_grant', ['person_id'], sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
    op.create_index('ix_lms_role_grant_role', 'lms_role_grant', ['institution_id', 'role', 'person_id'], sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
    op.create_index('ix_lms_role_grant_run', 'lms_role_grant', ['run_id', 'role'], sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('lms_nudge_template',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('rule', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_nudge_template_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_nudge_template')),
    sa.UniqueConstraint('institution_id', 'name', name=op.f('uq_lms_nudge_template_institution_id_name'))
    )
    op.create_table('lms_run_template',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('told', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_run_template_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_run_template')),
    sa.UniqueConstraint('institution_id', 'name', name=op.f('uq_lms_run_template_institution_id_name'))
    )
    op.create_table('lms_course_draft',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('course_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('units', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('based_on', sa.Integer(), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('removed', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('edited_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('edited_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['course_id'], ['lms_course.id'], name=op.f('fk_lms_course_draft_course_id')),
    sa.ForeignKeyConstraint(['edited_by'], ['lms_person.id'], name=op.f('fk_lms_course_draft_edited_by')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_course_draft_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_course_draft')),
    sa.UniqueConstraint('course_id', name=op.f('uq_lms_course_draft_course_id'))
    )
    op.create_table('lms_intake',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('actor_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('sealed', sa.String(), nullable=True),
    sa.Column('plan', sa.String(), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('counts', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['lms_person.id'], name=op.f('fk_lms_intake_actor_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_intake_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_intake'))
    )
    op.create_table('lms_post',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=True),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('staff_category', sa.String(), nullable=False),
    sa.Column('rank', sa.String(), nullable=True),
    sa.Column('occupation', sa.String(), nullable=True),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('from_on <= until_on', name=op.f('ck_lms_post_period')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_post_institution_id')),
    sa.ForeignKeyConstraint(['organisation_id'], ['lms_organisation.id'], name=op.f('fk_lms_post_organisation_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_post_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_post')),
    sa.UniqueConstraint('person_id', 'from_on', name=op.f('uq_lms_post_person_id_from_on'))
    )
    with op.batch_alter_table('lms_post', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_post_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('lms_saved_view',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('page', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('query', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_saved_view_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_saved_view_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_saved_view')),
    sa.UniqueConstraint('person_id', 'page', 'name', name=op.f('uq_lms_saved_view_person_id_page_name'))
    )
    op.create_table('lms_school_request',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('asked_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('message', sa.String(), nullable=False),
    sa.Column('courses', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('people', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('learn_from', sa.Date(), nullable=False),
    sa.Column('learn_until', sa.Date(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('runs', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('learn_from <= learn_until', name=op.f('ck_lms_school_request_period')),
    sa.ForeignKeyConstraint(['asked_by'], ['lms_person.id'], name=op.f('fk_lms_school_request_asked_by')),
    sa.ForeignKeyConstraint(['decided_by'], ['lms_person.id'], name=op.f('fk_lms_school_request_decided_by')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_school_request_institution_id')),
    sa.ForeignKeyConstraint(['organisation_id'], ['lms_organisation.id'], name=op.f('fk_lms_school_request_organisation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_school_request'))
    )
    with op.batch_alter_table('lms_school_request', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_school_request_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index('ix_lms_school_request_state', ['institution_id', 'state'], unique=False)

    op.create_table('lms_nomination',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.String(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_nomination_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_nomination_person_id')),
    sa.ForeignKeyConstraint(['run_id'], ['lms_run.id'], name=op.f('fk_lms_nomination_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_nomination')),
    sa.UniqueConstraint('run_id', 'person_id', name=op.f('uq_lms_nomination_run_id_person_id'))
    )
    with op.batch_alter_table('lms_nomination', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_nomination_person_id'), ['person_id'], unique=False)

    op.create_table('lms_notice',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('author_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['lms_person.id'], name=op.f('fk_lms_notice_author_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_notice_institution_id')),
    sa.ForeignKeyConstraint(['run_id'], ['lms_run.id'], name=op.f('fk_lms_notice_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_notice'))
    )
    with op.batch_alter_table('lms_notice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_notice_run_id'), ['run_id'], unique=False)

    op.create_table('lms_run_change',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('before', sa.String(), nullable=False),
    sa.Column('after', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_run_change_institution_id')),
    sa.ForeignKeyConstraint(['run_id'], ['lms_run.id'], name=op.f('fk_lms_run_change_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_run_change'))
    )
    with op.batch_alter_table('lms_run_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_run_change_run_id'), ['run_id'], unique=False)

    op.create_table('lms_waiting',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_waiting_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_waiting_person_id')),
    sa.ForeignKeyConstraint(['run_id'], ['lms_run.id'], name=op.f('fk_lms_waiting_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_waiting'))
    )
    with op.batch_alter_table('lms_waiting', schema=None) as batch_op:
        batch_op.create_index('ix_lms_waiting_person', ['person_id'], unique=False)
        batch_op.create_index('uq_lms_waiting_current', ['run_id', 'person_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('lms_quiz_mark',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('attempt_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question', sa.String(), nullable=False),
    sa.Column('points', sa.Integer(), nullable=False),
    sa.Column('comment', sa.String(), nullable=False),
    sa.Column('marker_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['lms_quiz_attempt.id'], name=op.f('fk_lms_quiz_mark_attempt_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_quiz_mark_institution_id')),
    sa.ForeignKeyConstraint(['marker_id'], ['lms_person.id'], name=op.f('fk_lms_quiz_mark_marker_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_quiz_mark')),
    sa.UniqueConstraint('attempt_id', 'question', name=op.f('uq_lms_quiz_mark_attempt_id_question'))
    )
    with op.batch_alter_table('lms_quiz_attempt', schema=None) as batch_op:
        batch_op.create_index('ix_lms_quiz_attempt_unmarked', ['activity_id', 'submitted_at'], unique=False, sqlite_where=sa.text('submitted_at IS NOT NULL AND score IS NULL'), postgresql_where=sa.text('submitted_at IS NOT NULL AND score IS NULL'))

    op.create_table('lms_learner_note',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('author_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['lms_person.id'], name=op.f('fk_lms_learner_note_author_id')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_learner_note_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_learner_note_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_learner_note'))
    )
    with op.batch_alter_table('lms_learner_note', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_learner_note_enrolment_id'), ['enrolment_id'], unique=False)

    op.create_table('lms_nudge',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('template_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('actor_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('why', sa.String(), nullable=True),
    sa.Column('acted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['lms_person.id'], name=op.f('fk_lms_nudge_actor_id')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_nudge_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_nudge_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_nudge_person_id')),
    sa.ForeignKeyConstraint(['run_id'], ['lms_run.id'], name=op.f('fk_lms_nudge_run_id')),
    sa.ForeignKeyConstraint(['template_id'], ['lms_nudge_template.id'], name=op.f('fk_lms_nudge_template_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_nudge')),
    sa.UniqueConstraint('key', name=op.f('uq_lms_nudge_key'))
    )
    with op.batch_alter_table('lms_nudge', schema=None) as batch_op:
        batch_op.create_index('ix_lms_nudge_enrolment', ['enrolment_id', 'at'], unique=False)
        batch_op.create_index('ix_lms_nudge_person', ['person_id', 'at'], unique=False)
        batch_op.create_index('ix_lms_nudge_ended', ['ended_at'], unique=False)
        batch_op.create_index('ix_lms_nudge_run', ['run_id', 'id'], unique=False)

    op.create_table('lms_question',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('activity_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['activity_id'], ['lms_activity.id'], name=op.f('fk_lms_question_activity_id')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_question_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_question_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_question_person_id')),
    sa.ForeignKeyConstraint(['run_id'], ['lms_run.id'], name=op.f('fk_lms_question_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_question'))
    )
    with op.batch_alter_table('lms_question', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_question_enrolment_id'), ['enrolment_id'], unique=False)
        batch_op.create_index('ix_lms_question_run', ['run_id', 'answered_at'], unique=False)

    op.create_table('lms_answer',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('author_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['lms_person.id'], name=op.f('fk_lms_answer_author_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_answer_institution_id')),
    sa.ForeignKeyConstraint(['question_id'], ['lms_question.id'], name=op.f('fk_lms_answer_question_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_answer'))
    )
    with op.batch_alter_table('lms_answer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_answer_question_id'), ['question_id'], unique=False)

    with op.batch_alter_table('lms_unit', schema=None) as batch_op:
        batch_op.add_column(sa.Column('key', sa.String(), nullable=True))

    with op.batch_alter_table('lms_activity', schema=None) as batch_op:
        batch_op.add_column(sa.Column('key', sa.String(), nullable=True))

    with op.batch_alter_table('lms_course', schema=None) as batch_op:
        batch_op.add_column(sa.Column('department', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('competencies', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False, server_default=sa.text("'[]'")))
        batch_op.add_column(sa.Column('standing', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('lms_enrolment', schema=None) as batch_op:
        batch_op.add_column(sa.Column('source', sa.String(), nullable=False, server_default='self'))
        batch_op.add_column(sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('withdrawal', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('overlapped_at', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('lms_person', schema=None) as batch_op:
        batch_op.add_column(sa.Column('born_mark', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('phone', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('retires_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('unwanted', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False, server_default=sa.text("'[]'")))

    op.create_index('ix_lms_person_born', 'lms_person', ['institution_id', 'born_mark'])
    op.create_index('ix_lms_person_unmarked', 'lms_person', ['institution_id', 'name'], sqlite_where=sa.text('born_mark IS NULL'), postgresql_where=sa.text('born_mark IS NULL'))

    with op.batch_alter_table('lms_run', schema=None) as batch_op:
        batch_op.add_column(sa.Column('apply_from', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('apply_until', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('withdraw_until', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('way', sa.String(), nullable=False, server_default='at_once'))
        batch_op.add_column(sa.Column('audience', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False, server_default=sa.text("'{}'")))
        batch_op.add_column(sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.add_column(sa.Column('name', sa.String(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('opened_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('results_told_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_check_constraint(batch_op.f('ck_lms_run_application'), 'apply_from <= apply_until')
        batch_op.create_check_constraint(batch_op.f('ck_lms_run_seats'), 'seats > 0')
        batch_op.create_index('ix_lms_run_institution', ['institution_id', 'state', 'learn_until'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_lms_run_organisation_id'), 'lms_organisation', ['organisation_id'], ['id'])



def downgrade() -> None:
    op.drop_index('ix_lms_role_grant_run', 'lms_role_grant')
    op.drop_index('ix_lms_role_grant_role', 'lms_role_grant')
    op.drop_index('ix_lms_role_grant_person', 'lms_role_grant')
    op.drop_index('ix_lms_enrolment_run', 'lms_enrolment')
    op.drop_index('ix_lms_audit_at', 'lms_audit')
    with op.batch_alter_table('lms_run', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_lms_run_organisation_id'), type_='foreignkey')
        batch_op.drop_index('ix_lms_run_institution')
        batch_op.drop_constraint(batch_op.f('ck_lms_run_seats'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_lms_run_application'), type_='check')
        batch_op.drop_column('results_told_at')
        batch_op.drop_column('closed_at')
        batch_op.drop_column('opened_at')
        batch_op.drop_column('name')
        batch_op.drop_column('organisation_id')
        batch_op.drop_column('audience')
        batch_op.drop_column('way')
        batch_op.drop_column('withdraw_until')
        batch_op.drop_column('apply_until')
        batch_op.drop_column('apply_from')

    with op.batch_alter_table('lms_person', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_person_unmarked', sqlite_where=sa.text('born_mark IS NULL'), postgresql_where=sa.text('born_mark IS NULL'))
        batch_op.drop_index('ix_lms_person_born')
        batch_op.drop_column('unwanted')
        batch_op.drop_column('retires_on')
        batch_op.drop_column('phone')
        batch_op.drop_column('born_mark')

    with op.batch_alter_table('lms_enrolment', schema=None) as batch_op:
        batch_op.drop_column('overlapped_at')
        batch_op.drop_column('withdrawal')
        batch_op.drop_column('withdrawn_at')
        batch_op.drop_column('source')

    with op.batch_alter_table('lms_activity', schema=None) as batch_op:
        batch_op.drop_column('key')

    with op.batch_alter_table('lms_unit', schema=None) as batch_op:
        batch_op.drop_column('key')

    with op.batch_alter_table('lms_course', schema=None) as batch_op:
        batch_op.drop_column('archived_at')
        batch_op.drop_column('standing')
        batch_op.drop_column('competencies')
        batch_op.drop_column('department')

    with op.batch_alter_table('lms_answer', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_answer_question_id'))

    op.drop_table('lms_answer')
    with op.batch_alter_table('lms_question', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_question_run')
        batch_op.drop_index(batch_op.f('ix_lms_question_enrolment_id'))

    op.drop_table('lms_question')
    with op.batch_alter_table('lms_nudge', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_nudge_run')
        batch_op.drop_index('ix_lms_nudge_ended')
        batch_op.drop_index('ix_lms_nudge_person')
        batch_op.drop_index('ix_lms_nudge_enrolment')

    op.drop_table('lms_nudge')
    with op.batch_alter_table('lms_quiz_attempt', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_quiz_attempt_unmarked', sqlite_where=sa.text('submitted_at IS NOT NULL AND score IS NULL'), postgresql_where=sa.text('submitted_at IS NOT NULL AND score IS NULL'))

    op.drop_table('lms_quiz_mark')
    with op.batch_alter_table('lms_learner_note', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_learner_note_enrolment_id'))

    op.drop_table('lms_learner_note')
    with op.batch_alter_table('lms_waiting', schema=None) as batch_op:
        batch_op.drop_index('uq_lms_waiting_current', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.drop_index('ix_lms_waiting_person')

    op.drop_table('lms_waiting')
    with op.batch_alter_table('lms_run_change', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_run_change_run_id'))

    op.drop_table('lms_run_change')
    with op.batch_alter_table('lms_notice', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_notice_run_id'))

    op.drop_table('lms_notice')
    with op.batch_alter_table('lms_nomination', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_nomination_person_id'))

    op.drop_table('lms_nomination')
    with op.batch_alter_table('lms_school_request', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_school_request_state')
        batch_op.drop_index(batch_op.f('ix_lms_school_request_organisation_id'))

    op.drop_table('lms_school_request')
    op.drop_table('lms_saved_view')
    with op.batch_alter_table('lms_post', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_post_organisation_id'))

    op.drop_table('lms_post')
    op.drop_table('lms_intake')
    op.drop_table('lms_course_draft')
    op.drop_table('lms_run_template')
    op.drop_table('lms_nudge_template')
