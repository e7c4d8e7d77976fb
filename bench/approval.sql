-- One approval as the service does it, for pgbench (see approvals.py). The first two lines only find the next task.
SELECT nextval('next_waiting') AS n \gset
SELECT id AS task, user_id AS earner, app_name AS app, points, proof_id AS proof FROM waiting WHERE n = :n \gset
BEGIN;
SELECT pg_try_advisory_xact_lock(hashtextextended(:reviewer::text || ' decide_review ' || :task::text, 0));
SELECT fingerprint, status, body, location FROM idempotency_key WHERE user_id = :reviewer::uuid AND route = 'decide_review' AND key = :task::text AND created_at > now() - interval '7 days';
SELECT * FROM task WHERE id = :task::uuid FOR UPDATE;
WITH decided AS (UPDATE proof SET decision = 'approve', reason_code = NULL, note = NULL, decided_by = :reviewer::uuid, decided_at = now() WHERE id = :proof::uuid) UPDATE task SET status = 'approved', decided_at = now(), leased_by = NULL, leased_until = NULL, rejection_code = rejection_code, rejection_note = rejection_note, expires_at = expires_at WHERE id = :task::uuid RETURNING *;
SELECT (SELECT id FROM account WHERE name = 'points.issued') AS issued, (SELECT id FROM account WHERE user_id = :earner::uuid) AS account \gset
WITH booked AS (INSERT INTO transaction (kind, reference, size, description, created_by, task_id, reverses_id) VALUES ('task.approve', :task::text, 2, :app::text, :reviewer::uuid, :task::uuid, NULL) ON CONFLICT DO NOTHING RETURNING id), entries AS (INSERT INTO entry (transaction_id, account_id, amount) SELECT booked.id, line.account_id, line.amount FROM booked, unnest(ARRAY[:issued::uuid, :account::uuid], ARRAY[- :points::bigint, :points::bigint]) AS line (account_id, amount)) SELECT id FROM booked;
INSERT INTO idempotency_key (user_id, route, key, fingerprint, status, body, location) VALUES (:reviewer::uuid, 'decide_review', :task::text, repeat('f', 64), 200, repeat('x', 600), NULL) ON CONFLICT (user_id, route, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, location = excluded.location, created_at = now();
COMMIT;
