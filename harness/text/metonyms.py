"""Which places, buildings and adjectives stand for a government: Berlin for the German one."""

from __future__ import annotations

from typing import NamedTuple

# country and its other names | adjective | capital and buildings that stand for the government
_TEXT = """
Afghanistan | Afghan | Kabul
Algeria | Algerian | Algiers
Argentina | Argentine | Buenos Aires
Armenia | Armenian | Yerevan
Australia | Australian | Canberra
Azerbaijan | Azerbaijani | Baku
Belarus | Belarusian | Minsk
Bosnia, Bosnia and Herzegovina | Bosnian | Sarajevo
Britain, United Kingdom, UK, Great Britain | British, UK | London, Downing Street, Whitehall
Canada | Canadian | Ottawa
China | Chinese | Beijing, Peking, Zhongnanhai
Colombia | Colombian | Bogotá
Croatia | Croatian | Zagreb
Cuba | Cuban | Havana
Czechoslovakia | Czechoslovak | Prague
Egypt | Egyptian | Cairo
Eritrea | Eritrean | Asmara
Estonia | Estonian | Tallinn
Ethiopia | Ethiopian | Addis Ababa
European Union, EU | European | Brussels
Finland | Finnish | Helsinki
France | French | Paris, Élysée, Quai d'Orsay
Georgia | Georgian | Tbilisi
Germany, West Germany | German, West German | Berlin, Bonn, Chancellery
Greece | Greek | Athens
Hungary | Hungarian | Budapest
India | Indian | New Delhi, Delhi
Indonesia | Indonesian | Jakarta
Iran | Iranian | Tehran
Iraq | Iraqi | Baghdad
Israel | Israeli | Jerusalem
Italy | Italian | Rome
Japan | Japanese | Tokyo
Jordan | Jordanian | Amman
Kenya | Kenyan | Nairobi
Kosovo | Kosovar | Pristina
Latvia | Latvian | Riga
Lebanon | Lebanese | Beirut
Libya | Libyan | Tripoli
Lithuania | Lithuanian | Vilnius
Mali | Malian | Bamako
Moldova | Moldovan | Chisinau
Niger | Nigerien | Niamey
Nigeria | Nigerian | Abuja
North Korea | North Korean | Pyongyang
Norway | Norwegian | Oslo
Pakistan | Pakistani | Islamabad, Rawalpindi
Philippines | Philippine | Manila, Malacañang
Poland | Polish | Warsaw
Qatar | Qatari | Doha
Romania | Romanian | Bucharest
Russia, Russian Federation | Russian | Moscow, Kremlin
Rwanda | Rwandan | Kigali
Saudi Arabia | Saudi | Riyadh
Serbia | Serbian | Belgrade
South Africa | South African | Pretoria
South Korea | South Korean | Seoul, Blue House
Soviet Union, USSR | Soviet | Moscow, Kremlin
Spain | Spanish | Madrid
Sudan | Sudanese | Khartoum
Sweden | Swedish | Stockholm
Syria | Syrian | Damascus
Taiwan | Taiwanese | Taipei
Turkey, Türkiye | Turkish | Ankara
Turkmenistan | Turkmen | Ashgabat
Ukraine | Ukrainian | Kyiv, Kiev, Bankova
United Arab Emirates, UAE | Emirati | Abu Dhabi
United Nations, UN | United Nations, UN | Turtle Bay
United States, US, U.S., America | American, US, U.S. | Washington, White House
Uzbekistan | Uzbek | Tashkent
Venezuela | Venezuelan | Caracas, Miraflores
Vietnam, North Vietnam | Vietnamese, North Vietnamese | Hanoi
Yemen | Yemeni | Sanaa, Aden
Yugoslavia | Yugoslav | Belgrade
"""
GOVERNMENT = ("government", "administration", "authorities", "officials", "leadership", "cabinet")


class Government(NamedTuple):
    """Names of the country, adjectives of it, and places that stand for its government."""

    countries: tuple[str, ...]
    adjectives: tuple[str, ...]
    seats: tuple[str, ...]

    @property
    def forms(self) -> tuple[str, ...]:
        """Everything that may name the government."""
        official = tuple(f"{a} {noun}" for a in self.adjectives for noun in GOVERNMENT)
        return (*self.countries, *self.seats, *official)


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(","))


GOVERNMENTS: tuple[Government, ...] = tuple(
    Government(*map(_split, line.split("|"))) for line in _TEXT.strip().splitlines()
)


def governments_named(names: frozenset[str]) -> list[Government]:
    """The governments of which a form is among `names` (case-folded, without article); several for Moscow, say."""
    return [g for g in GOVERNMENTS if names & {form.casefold() for form in g.forms}]


def adjectives_of(country: str) -> tuple[str, ...]:
    """Adjectives of a country given by any of its names; none for an unknown one."""
    wanted = country.casefold()
    return tuple(a for g in GOVERNMENTS if wanted in {c.casefold() for c in g.countries} for a in g.adjectives)
