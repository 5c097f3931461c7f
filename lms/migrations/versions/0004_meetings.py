"""Rooms, meetings, their seats, and attendance by evidence."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from lms.db import append_only

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _upgrade_tables()
    # On both databases a table that is dropped takes its triggers with it.
    refused = append_only.REFUSED_OF_MEETINGS
    for statement in append_only.statements(op.get_bind().dialect.name, refused):
        op.execute(statement)


def _upgrade_tables() -> None:
    op.create_table('lms_room',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('building', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('equipment', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('capacity > 0', name=op.f('ck_lms_room_capacity')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_room_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_room')),
    sa.UniqueConstraint('institution_id', 'building', 'name', name=op.f('uq_lms_room_institution_id_building_name'))
    )
    op.create_table('lms_trigger',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('subject_id', sa.BigInteger(), nullable=False),
    sa.Column('due', sa.DateTime(timezone=True), nullable=False),
    sa.Column('told', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dropped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_trigger_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_trigger')),
    sa.UniqueConstraint('key', name=op.f('uq_lms_trigger_key'))
    )
    with op.batch_alter_table('lms_trigger', schema=None) as batch_op:
        batch_op.create_index('ix_lms_trigger_subject', ['subject', 'subject_id'], unique=False)

    op.create_table('lms_calendar_feed',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token', sa.String(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_calendar_feed_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_calendar_feed_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_calendar_feed')),
    sa.UniqueConstraint('person_id', name=op.f('uq_lms_calendar_feed_person_id')),
    sa.UniqueConstraint('token', name=op.f('uq_lms_calendar_feed_token'))
    )
    op.create_table('lms_instructor_skill',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('skill', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_instructor_skill_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_instructor_skill_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_instructor_skill')),
    sa.UniqueConstraint('person_id', 'skill', name=op.f('uq_lms_instructor_skill_person_id_skill'))
    )
    with op.batch_alter_table('lms_instructor_skill', schema=None) as batch_op:
        batch_op.create_index('ix_lms_instructor_skill_skill', ['institution_id', 'skill'], unique=False)

    op.create_table('lms_meeting',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('activity_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('room_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('host_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('place', sa.String(), nullable=False),
    sa.Column('provider', sa.String(), nullable=True),
    sa.Column('provider_told', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('skills', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seats_until', sa.Date(), nullable=True),
    sa.Column('leave_until', sa.Date(), nullable=True),
    sa.Column('offer_minutes', sa.Integer(), nullable=False),
    sa.Column('rule', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('uid', sa.String(), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('capacity > 0', name=op.f('ck_lms_meeting_capacity')),
    sa.CheckConstraint('offer_minutes >= 0', name=op.f('ck_lms_meeting_offer')),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_lms_meeting_period')),
    sa.ForeignKeyConstraint(['activity_id'], ['lms_activity.id'], name=op.f('fk_lms_meeting_activity_id')),
    sa.ForeignKeyConstraint(['host_id'], ['lms_organisation.id'], name=op.f('fk_lms_meeting_host_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_meeting_institution_id')),
    sa.ForeignKeyConstraint(['room_id'], ['lms_room.id'], name=op.f('fk_lms_meeting_room_id')),
    sa.ForeignKeyConstraint(['run_id'], ['lms_run.id'], name=op.f('fk_lms_meeting_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_meeting')),
    sa.UniqueConstraint('uid', name=op.f('uq_lms_meeting_uid'))
    )
    with op.batch_alter_table('lms_meeting', schema=None) as batch_op:
        batch_op.create_index('ix_lms_meeting_room', ['room_id', 'starts_at'], unique=False)
        batch_op.create_index('ix_lms_meeting_run', ['run_id', 'starts_at'], unique=False)
        batch_op.create_index('ix_lms_meeting_state', ['institution_id', 'state', 'ends_at'], unique=False)
        batch_op.create_index('ix_lms_meeting_week', ['institution_id', 'starts_at'], unique=False)

    op.create_table('lms_attendance',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('scheduled_ms', sa.BigInteger(), nullable=False),
    sa.Column('present_ms', sa.BigInteger(), nullable=False),
    sa.Column('verdict', sa.String(), nullable=False),
    sa.Column('late_ms', sa.BigInteger(), nullable=False),
    sa.Column('early_ms', sa.BigInteger(), nullable=False),
    sa.Column('rule', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('evidence', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('statement_id', sa.String(), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_by', sa.Integer(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('present_ms >= 0 AND present_ms <= scheduled_ms', name=op.f('ck_lms_attendance_present')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_attendance_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_attendance_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_attendance_meeting_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_attendance_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_attendance')),
    sa.UniqueConstraint('meeting_id', 'person_id', name=op.f('uq_lms_attendance_meeting_id_person_id'))
    )
    with op.batch_alter_table('lms_attendance', schema=None) as batch_op:
        batch_op.create_index('ix_lms_attendance_enrolment', ['enrolment_id'], unique=False)

    op.create_table('lms_attendance_case',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('told', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('decision', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_attendance_case_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_attendance_case_meeting_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_attendance_case_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_attendance_case')),
    sa.UniqueConstraint('meeting_id', 'key', name=op.f('uq_lms_attendance_case_meeting_id_key'))
    )
    with op.batch_alter_table('lms_attendance_case', schema=None) as batch_op:
        batch_op.create_index('ix_lms_attendance_case_open', ['institution_id', 'decided_at'], unique=False)

    op.create_table('lms_attendance_check',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('opens_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closes_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by', sa.Integer(), nullable=True),
    sa.Column('dropped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('opens_at < closes_at', name=op.f('ck_lms_attendance_check_period')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_attendance_check_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_attendance_check_meeting_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_attendance_check'))
    )
    with op.batch_alter_table('lms_attendance_check', schema=None) as batch_op:
        batch_op.create_index('ix_lms_attendance_check_meeting', ['meeting_id', 'opens_at'], unique=False)

    op.create_table('lms_attendance_device',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('device', sa.String(), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_attendance_device_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_attendance_device_meeting_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_attendance_device_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_attendance_device')),
    sa.UniqueConstraint('meeting_id', 'device', name=op.f('uq_lms_attendance_device_meeting_id_device'))
    )
    op.create_table('lms_attendance_signature',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('drawn', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_attendance_signature_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_attendance_signature_meeting_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_attendance_signature_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_attendance_signature'))
    )
    with op.batch_alter_table('lms_attendance_signature', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_attendance_signature_meeting_id'), ['meeting_id'], unique=False)

    op.create_table('lms_check_secret',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('secret', sa.String(), nullable=False),
    sa.Column('step_seconds', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_check_secret_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_check_secret_meeting_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_check_secret')),
    sa.UniqueConstraint('meeting_id', name=op.f('uq_lms_check_secret_meeting_id'))
    )
    op.create_table('lms_join_link',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token', sa.String(), nullable=False),
    sa.Column('participant', sa.String(), nullable=False),
    sa.Column('url', sa.String(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_join_link_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_join_link_meeting_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_join_link_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_join_link')),
    sa.UniqueConstraint('meeting_id', 'participant', name=op.f('uq_lms_join_link_meeting_id_participant')),
    sa.UniqueConstraint('meeting_id', 'person_id', name=op.f('uq_lms_join_link_meeting_id_person_id')),
    sa.UniqueConstraint('token', name=op.f('uq_lms_join_link_token'))
    )
    op.create_table('lms_live_log',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('form', sa.String(), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('unknown', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_live_log_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_live_log_meeting_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_live_log')),
    sa.UniqueConstraint('meeting_id', 'digest', name=op.f('uq_lms_live_log_meeting_id_digest'))
    )
    op.create_table('lms_meeting_block',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('breaks', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_lms_meeting_block_period')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_meeting_block_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_meeting_block_meeting_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_meeting_block')),
    sa.UniqueConstraint('meeting_id', 'starts_at', name=op.f('uq_lms_meeting_block_meeting_id_starts_at'))
    )
    with op.batch_alter_table('lms_meeting_block', schema=None) as batch_op:
        batch_op.create_index('ix_lms_meeting_block_time', ['institution_id', 'starts_at', 'ends_at'], unique=False)

    op.create_table('lms_meeting_change',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('before', sa.String(), nullable=False),
    sa.Column('after', sa.String(), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('told', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql'), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_meeting_change_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_meeting_change_meeting_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_meeting_change'))
    )
    with op.batch_alter_table('lms_meeting_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_meeting_change_meeting_id'), ['meeting_id'], unique=False)

    op.create_table('lms_meeting_instructor',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('part', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_meeting_instructor_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_meeting_instructor_meeting_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_meeting_instructor_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_meeting_instructor')),
    sa.UniqueConstraint('meeting_id', 'person_id', name=op.f('uq_lms_meeting_instructor_meeting_id_person_id'))
    )
    with op.batch_alter_table('lms_meeting_instructor', schema=None) as batch_op:
        batch_op.create_index('ix_lms_meeting_instructor_person', ['person_id'], unique=False)

    op.create_table('lms_meeting_waiting',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_meeting_waiting_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_meeting_waiting_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_meeting_waiting_meeting_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_meeting_waiting_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_meeting_waiting'))
    )
    with op.batch_alter_table('lms_meeting_waiting', schema=None) as batch_op:
        batch_op.create_index('ix_lms_meeting_waiting_person', ['person_id'], unique=False)
        batch_op.create_index('ix_lms_meeting_waiting_queue', ['meeting_id', 'id'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.create_index('uq_lms_meeting_waiting_current', ['meeting_id', 'person_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('lms_seat',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('enrolment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('seat_no', sa.Integer(), nullable=True),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('accept_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("(state = 'offered') = (accept_until IS NOT NULL)", name=op.f('ck_lms_seat_offered')),
    sa.CheckConstraint("(state = 'released') = (seat_no IS NULL)", name=op.f('ck_lms_seat_numbered')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['lms_enrolment.id'], name=op.f('fk_lms_seat_enrolment_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_seat_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_seat_meeting_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_seat_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_seat')),
    sa.UniqueConstraint('meeting_id', 'person_id', name=op.f('uq_lms_seat_meeting_id_person_id')),
    sa.UniqueConstraint('meeting_id', 'seat_no', name=op.f('uq_lms_seat_meeting_id_seat_no'))
    )
    with op.batch_alter_table('lms_seat', schema=None) as batch_op:
        batch_op.create_index('ix_lms_seat_enrolment', ['enrolment_id'], unique=False)
        batch_op.create_index('ix_lms_seat_person', ['person_id', 'state'], unique=False)

    op.create_table('lms_attendance_mark',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('act', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('check_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('of_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('device', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('statement_id', sa.String(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("(act = 'span') = (until_at IS NOT NULL)", name=op.f('ck_lms_attendance_mark_span')),
    sa.CheckConstraint("(act = 'undo') = (of_id IS NOT NULL)", name=op.f('ck_lms_attendance_mark_undo')),
    sa.CheckConstraint("act IN ('in', 'out', 'seen', 'span', 'absent', 'undo')", name=op.f('ck_lms_attendance_mark_act')),
    sa.CheckConstraint("source IN ('code', 'room', 'live', 'hand', 'paper', 'offline')", name=op.f('ck_lms_attendance_mark_source')),
    sa.ForeignKeyConstraint(['check_id'], ['lms_attendance_check.id'], name=op.f('fk_lms_attendance_mark_check_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_attendance_mark_institution_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_attendance_mark_meeting_id')),
    sa.ForeignKeyConstraint(['of_id'], ['lms_attendance_mark.id'], name=op.f('fk_lms_attendance_mark_of_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_attendance_mark_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_attendance_mark')),
    sa.UniqueConstraint('key', name=op.f('uq_lms_attendance_mark_key'))
    )
    with op.batch_alter_table('lms_attendance_mark', schema=None) as batch_op:
        batch_op.create_index('ix_lms_attendance_mark_person', ['meeting_id', 'person_id', 'at'], unique=False)

    op.create_table('lms_live_interval',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('log_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('from_ms', sa.BigInteger(), nullable=False),
    sa.Column('until_ms', sa.BigInteger(), nullable=False),
    sa.Column('case_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('from_ms < until_ms', name=op.f('ck_lms_live_interval_period')),
    sa.ForeignKeyConstraint(['case_id'], ['lms_attendance_case.id'], name=op.f('fk_lms_live_interval_case_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_live_interval_institution_id')),
    sa.ForeignKeyConstraint(['log_id'], ['lms_live_log.id'], name=op.f('fk_lms_live_interval_log_id')),
    sa.ForeignKeyConstraint(['meeting_id'], ['lms_meeting.id'], name=op.f('fk_lms_live_interval_meeting_id')),
    sa.ForeignKeyConstraint(['person_id'], ['lms_person.id'], name=op.f('fk_lms_live_interval_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_live_interval')),
    sa.UniqueConstraint('meeting_id', 'key', name=op.f('uq_lms_live_interval_meeting_id_key'))
    )
    with op.batch_alter_table('lms_live_interval', schema=None) as batch_op:
        batch_op.create_index('ix_lms_live_interval_person', ['meeting_id', 'person_id'], unique=False)

    op.create_table('lms_seat_change',
    sa.Column('institution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seat_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('before', sa.String(), nullable=False),
    sa.Column('after', sa.String(), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['lms_institution.id'], name=op.f('fk_lms_seat_change_institution_id')),
    sa.ForeignKeyConstraint(['seat_id'], ['lms_seat.id'], name=op.f('fk_lms_seat_change_seat_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lms_seat_change'))
    )
    with op.batch_alter_table('lms_seat_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lms_seat_change_seat_id'), ['seat_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('lms_seat_change', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_seat_change_seat_id'))

    op.drop_table('lms_seat_change')
    with op.batch_alter_table('lms_live_interval', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_live_interval_person')

    op.drop_table('lms_live_interval')
    with op.batch_alter_table('lms_attendance_mark', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_attendance_mark_person')

    op.drop_table('lms_attendance_mark')
    with op.batch_alter_table('lms_seat', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_seat_person')
        batch_op.drop_index('ix_lms_seat_enrolment')

    op.drop_table('lms_seat')
    with op.batch_alter_table('lms_meeting_waiting', schema=None) as batch_op:
        batch_op.drop_index('uq_lms_meeting_waiting_current', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.drop_index('ix_lms_meeting_waiting_queue', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.drop_index('ix_lms_meeting_waiting_person')

    op.drop_table('lms_meeting_waiting')
    with op.batch_alter_table('lms_meeting_instructor', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_meeting_instructor_person')

    op.drop_table('lms_meeting_instructor')
    with op.batch_alter_table('lms_meeting_change', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_meeting_change_meeting_id'))

    op.drop_table('lms_meeting_change')
    with op.batch_alter_table('lms_meeting_block', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_meeting_block_time')

    op.drop_table('lms_meeting_block')
    op.drop_table('lms_live_log')
    op.drop_table('lms_join_link')
    op.drop_table('lms_check_secret')
    with op.batch_alter_table('lms_attendance_signature', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lms_attendance_signature_meeting_id'))

    op.drop_table('lms_attendance_signature')
    op.drop_table('lms_attendance_device')
    with op.batch_alter_table('lms_attendance_check', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_attendance_check_meeting')

    op.drop_table('lms_attendance_check')
    with op.batch_alter_table('lms_attendance_case', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_attendance_case_open')

    op.drop_table('lms_attendance_case')
    with op.batch_alter_table('lms_attendance', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_attendance_enrolment')

    op.drop_table('lms_attendance')
    with op.batch_alter_table('lms_meeting', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_meeting_week')
        batch_op.drop_index('ix_lms_meeting_state')
        batch_op.drop_index('ix_lms_meeting_run')
        batch_op.drop_index('ix_lms_meeting_room')

    op.drop_table('lms_meeting')
    with op.batch_alter_table('lms_instructor_skill', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_instructor_skill_skill')

    op.drop_table('lms_instructor_skill')
    op.drop_table('lms_calendar_feed')
    with op.batch_alter_table('lms_trigger', schema=None) as batch_op:
        batch_op.drop_index('ix_lms_trigger_subject')

    op.drop_table('lms_trigger')
    op.drop_table('lms_room')
