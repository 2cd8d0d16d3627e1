{#- Where the sun stands, and what irradiance on the ground makes in the plane of modules. -#}

{#- The rows of a relation with the sun as seen from their place: its unit vector (sun_up is the sine of its elevation;
    sun_east, sun_north), with `distance` also sun_distance_au. The relation has minutes (since 1970, UTC, at the middle of the interval),
    latitude_deg and longitude_deg. Michalsky 1988, after the Astronomical Almanac: 0.01° from 1950 to 2050; without
    refraction. -#}
{% macro sun_seen_from(relation, distance=false) -%}
    select
        placed.*,
        sin(declination) * sin(latitude) + cos(declination) * cos(latitude) * cos(hour_angle) as sun_up,
        -cos(declination) * sin(hour_angle) as sun_east,
        sin(declination) * cos(latitude) - cos(declination) * sin(latitude) * cos(hour_angle) as sun_north
    from (
        select
            *,
            radians(latitude_deg) as latitude,
            asin(sin(obliquity) * sin(ecliptic_longitude)) as declination,
            radians(sidereal_deg + longitude_deg)
            - atan2(cos(obliquity) * sin(ecliptic_longitude), cos(ecliptic_longitude)) as hour_angle
        from (
            select
                *,
                radians(280.46 + 0.9856474 * days + 1.915 * sin(anomaly) + 0.02 * sin(2 * anomaly)) as ecliptic_longitude,
                radians(23.439 - 4e-7 * days) as obliquity,
                -- Greenwich: 15 degrees an hour, and what the stars are ahead.
                15 * (6.697375 + 0.0657098242 * days + 24 * (days + 0.5)) as sidereal_deg
                {%- if distance %},
                1.00014 - 0.01671 * cos(anomaly) - 0.00014 * cos(2 * anomaly) as sun_distance_au
                {%- endif %}
            from (
                select
                    dated.*,
                    radians(357.528 + 0.9856003 * days) as anomaly
                from (
                    select
                        given.*,
                        -- Since noon of 1 January 2000.
                        (minutes - 15778800) / 1440e0 as days
                    from {{ relation }} as given
                ) as dated
            ) as timed
        ) as dated
    ) as placed
{%- endmacro %}

{#- How much of the sun falls on modules that lie as the registry says, fixed: the cosine of its angle to their normal. -#}
{% macro sun_upright() -%}
    sun_up * cos(radians(tilt_deg))
        + sin(radians(tilt_deg)) * (sun_east * sin(radians(azimuth_deg)) + sun_north * cos(radians(azimuth_deg)))
{%- endmacro %}

{#- Beam normal to the sun (W/m²) from global horizontal irradiance: DISC (Maxwell 1987) by clearness and air mass (Kasten
    1966), at most what the global irradiance holds. Below 3.7° of elevation all counts as diffuse: there the quotient
    says nothing. Measured on a satellite's clear skies at 39.7° N: trackers + 0.2 % a year where Erbs et al. give - 1.1 %. -#}
{% macro disc_beam(ghi_wm2, sun_up, extraterrestrial_wm2) -%}
    {%- set k = 'least(1.0, ' ~ ghi_wm2 ~ ' / (' ~ extraterrestrial_wm2 ~ ' * ' ~ sun_up ~ '))' -%}
    {%- set air_mass = 'least(12.0, 1.0 / (' ~ sun_up ~ ' + 0.15 * pow(93.885 - degrees(acos(least(1.0, ' ~ sun_up ~ '))), -1.253)))' -%}
    case
        when {{ sun_up }} < 0.065 or {{ ghi_wm2 }} <= 0.0 then 0.0
        else
            greatest(
                0.0,
                least(
                    {{ ghi_wm2 }} / {{ sun_up }},
                    {{ extraterrestrial_wm2 }}
                    * (
                        {{ polynomial(air_mass, [0.866, -0.122, 0.0121, -0.000653, 0.000014]) }}
                        - case
                            when {{ k }} <= 0.6
                                then
                                    {{ polynomial(k, [0.512, -1.56, 2.286, -2.222]) }}
                                    + {{ polynomial(k, [0.37, 0.962]) }}
                                    * exp({{ polynomial(k, [-0.28, 0.932, -2.048]) }} * {{ air_mass }})
                            else
                                {{ polynomial(k, [-5.743, 21.77, -27.49, 11.56]) }}
                                + {{ polynomial(k, [41.4, -118.5, 66.05, 31.9]) }}
                                * exp({{ polynomial(k, [-47.01, 184.2, -222.0, 73.81]) }} * {{ air_mass }})
                        end
                    )
                )
            )
    end
{%- endmacro %}

{#- The value of a polynomial by its coefficients, the constant first. -#}
{% macro polynomial(x, coefficients) -%}
    (
        {%- for coefficient in coefficients | reverse %}
        {%- if not loop.first %} * {{ x }} + {% endif -%}
        {{ '(' * (coefficients | length - 1) if loop.first }}{{ coefficient }}{{ ')' if not loop.first }}
        {%- endfor %}
    )
{%- endmacro %}

{#- Irradiance in a plane (W/m²) by Hay and Davies 1980, with ground that reflects a fifth. -#}
{% macro hay_davies(ghi_wm2, beam_wm2, sun_up, cos_incidence, cos_tilt, extraterrestrial_wm2) -%}
    {%- set beam_in_plane = '(case when ' ~ cos_incidence ~ ' > 0.0 then ' ~ cos_incidence ~ ' else 0.0 end)' -%}
    {%- set diffuse = '(' ~ ghi_wm2 ~ ' - ' ~ beam_wm2 ~ ' * ' ~ sun_up ~ ')' -%}
    {%- set around_sun = '(' ~ beam_wm2 ~ ' / ' ~ extraterrestrial_wm2 ~ ')' -%}
    {{ beam_wm2 }} * {{ beam_in_plane }}
    + {{ diffuse }} * (
        {{ around_sun }} * {{ beam_in_plane }} / greatest({{ sun_up }}, 0.065)
        + (1.0 - {{ around_sun }}) * (1.0 + {{ cos_tilt }}) / 2
    )
    + {{ ghi_wm2 }} * 0.2 * (1.0 - {{ cos_tilt }}) / 2
{%- endmacro %}

{#- The sun's declination in degrees on a day, counted since 1970: Cooper 1969, within 1.5°. -#}
{% macro sun_declination_deg(days) -%}
    23.45 * sin(radians(360.0 * ({{ days }} + 285.0) / 365.25))
{%- endmacro %}

{#- Sunlight beyond the air on that day by that of the mean distance: Duffie and Beckman. -#}
{% macro sun_nearness(days) -%}
    (1.0 + 0.033 * cos(radians(360.0 * {{ days }} / 365.25)))
{%- endmacro %}
