-- The public calendar of an association as one file (RFC 5545): of what is open to all, without who comes to it,
-- without alarms, and without what programs keep for themselves.
with content as (
    select c_name, replace(c_content, E'\r\n', E'\n') as text
    from sogo_store join sogo_quick_appointment using (c_folder_id, c_name) join sogo_folder_info using (c_folder_id)
    where c_path = '/Users/' || :'account' || '/Calendar/public' and coalesce(c_deleted, 0) = 0
        and c_component = 'vevent' and c_classification = 0
), zone as (
    select distinct on (substring(part[1] from '\nTZID:([^\n]*)')) part[1] as text
    from content, regexp_matches(text, '(BEGIN:VTIMEZONE\n.*?\nEND:VTIMEZONE\n)', 'g') as part
), event as (
    select c_name, regexp_replace(
        regexp_replace(part[1], 'BEGIN:VALARM\n.*?\nEND:VALARM\n', '', 'g'),
        '\n(?:ATTENDEE|ORGANIZER|X-)[^\n]*(?:\n[ \t][^\n]*)*', '', 'g') as text
    from content, regexp_matches(text, '(BEGIN:VEVENT\n.*?\nEND:VEVENT\n)', 'g') as part
)
select replace(
    E'BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Mazet//Calendar//EN\n'
    || coalesce((select string_agg(text, '' order by text) from zone), '')
    || string_agg(text, '' order by c_name, text) || 'END:VCALENDAR', E'\n', E'\r\n') || E'\r'
from event having count(*) > 0;
